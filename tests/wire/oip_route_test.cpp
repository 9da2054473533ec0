#include <gtest/gtest.h>

#include "wire/oip.h"

namespace cloister::oip {
namespace {

struct Good {
  const char* method;
  const char* target;
  Action action;
  const char* model = "";
  const char* version = "";
};

TEST(OipRoute, Targets) {
  const Good kGood[] = {
      {"GET", "/v2", Action::kServerMetadata},
      {"GET", "/v2?verbose=1", Action::kServerMetadata},
      {"GET", "/v2/", Action::kServerMetadata},
      {"GET", "/v2/models/stats", Action::kStatistics},
      {"GET", "/v2/models/m/stats", Action::kStatistics, "m"},
      {"GET", "/v2/models/m/versions/3/stats", Action::kStatistics, "m", "3"},
      {"GET", "/v2/models/stats/stats", Action::kStatistics, "stats"},
      {"GET", "/v2/health/live", Action::kLive},
      {"GET", "/v2/health/ready", Action::kReady},
      {"GET", "/v2/models/resnet50", Action::kModelMetadata, "resnet50"},
      {"GET", "/v2/models/resnet50/ready", Action::kModelReady, "resnet50"},
      {"GET", "/v2/models/m/versions/3", Action::kModelMetadata, "m", "3"},
      {"GET", "/v2/models/m/versions/3/ready", Action::kModelReady, "m", "3"},
      {"POST", "/v2/models/m/infer", Action::kInfer, "m"},
      {"POST", "/v2/models/m/versions/1.0-rc/infer", Action::kInfer, "m", "1.0-rc"},
      {"POST", "/v2/models/a%2Fb%20c/infer?x=/", Action::kInfer, "a/b c"},
      {"POST", "/v2/models/caf%c3%A9/infer", Action::kInfer, "caf\xc3\xa9"},
      {"POST", "/v2/models/versions/infer", Action::kInfer, "versions"},
      {"GET", "/v2/models/infer", Action::kModelMetadata, "infer"},
  };
  for (const Good& good : kGood) {
    const auto route = parse_route(good.method, good.target);
    ASSERT_TRUE(route) << good.target << ": " << route.error().message;
    EXPECT_EQ(route->action, good.action) << good.target;
    EXPECT_EQ(route->model, good.model);
    EXPECT_EQ(route->version, good.version);
    const auto again = parse_route(good.method, route_target(*route));
    ASSERT_TRUE(again) << route_target(*route);
    EXPECT_EQ(again->action, good.action);
    EXPECT_EQ(again->model, good.model);
    EXPECT_EQ(again->version, good.version);
  }
}

TEST(OipRoute, TargetsAreEncoded) {
  EXPECT_EQ(route_target({Action::kInfer, "a b/\xc3\xa9", "1?"}),
            "/v2/models/a%20b%2F%C3%A9/versions/1%3F/infer");
  EXPECT_EQ(route_target({Action::kModelReady, "m-1_2.~", ""}), "/v2/models/m-1_2.~/ready");
}

struct Bad {
  std::string method;
  std::string target;
  Kind kind;
  std::string message;
};

TEST(OipRoute, WhatIsRefused) {
  const std::string long_name(1025, 'x');
  const Bad kBad[] = {
      {"POST", "/v2", Kind::kUnsupported, "method POST for '/v2', want GET"},
      {"GET", "/v2/models/m/infer?a", Kind::kUnsupported,
       "method GET for '/v2/models/m/infer', want POST"},
      {"post", "/v2/models/m/infer", Kind::kUnsupported,
       "method post for '/v2/models/m/infer', want POST"},
      {"GET", "", Kind::kNotFound, "no '' here"},
      {"GET", "/", Kind::kNotFound, "no '/' here"},
      {"GET", "/v2//", Kind::kNotFound, "no '/v2//' here"},
      {"GET", "v2", Kind::kNotFound, "no 'v2' here"},
      {"GET", "/v3", Kind::kNotFound, "no '/v3' here"},
      {"GET", "/v2/health", Kind::kNotFound, "no '/v2/health' here"},
      {"GET", "/v2/models", Kind::kNotFound, "no '/v2/models' here"},
      {"POST", "/v2/models/m/infer/", Kind::kNotFound, "no '/v2/models/m/infer/' here"},
      {"GET", "/v2/models/m/stats\n", Kind::kNotFound, "no '/v2/models/m/stats\\x0a' here"},
      {"GET", "/v2/models/m/versions", Kind::kNotFound, "no '/v2/models/m/versions' here"},
      {"GET", "/v2/models/m/versions/1/versions/2/ready/x/y", Kind::kNotFound,
       "no '/v2/models/m/versions/1/versions/2/ready/x/y' here"},
      {"POST", "/v2/repository/index", Kind::kNotFound, "no '/v2/repository/index' here"},
      {"GET", "/v2/models/", Kind::kInvalid, "target: the model's name is empty"},
      {"GET", "/v2/models/m/versions//ready", Kind::kInvalid,
       "target: the model's version is empty"},
      {"GET", "/v2/models/%", Kind::kInvalid, "target: '%', want two hexadecimal digits"},
      {"GET", "/v2/models/a%2", Kind::kInvalid, "target: '%2', want two hexadecimal digits"},
      {"GET", "/v2/models/a%-1", Kind::kInvalid, "target: '%-1', want two hexadecimal digits"},
      {"GET", "/v2/models/%ff", Kind::kInvalid, "target: the model's name '\\xff' is not UTF-8"},
      {"GET", "/v2/models/a%00", Kind::kInvalid,
       "target: the model's name 'a\\x00' has a NUL in it"},
      {"GET", "/v2/models/" + long_name, Kind::kInvalid,
       "target: the model's name has 1025 bytes, at most 1024 are taken"},
  };
  for (const Bad& bad : kBad) {
    const auto route = parse_route(bad.method, bad.target);
    ASSERT_FALSE(route) << bad.target;
    EXPECT_EQ(route.error().message, bad.message);
    EXPECT_EQ(route.error().kind, bad.kind) << bad.target;
  }
}

}  // namespace
}  // namespace cloister::oip
