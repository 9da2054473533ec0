#include "link/endpoint.h"

#include "tests/support/result.h"

namespace cloister {
namespace {

using test::expect_error;
using test::value_of;

TEST(Endpoints, AreUrlsOrSockets) {
  const Endpoint http = value_of(parse_endpoint("http://gpu-1:8000/v2/models/m"));
  EXPECT_EQ(endpoint_name(http), "gpu-1:8000");
  EXPECT_EQ(endpoint_text(http), "http://gpu-1:8000/v2/models/m");
  const Endpoint shared = value_of(parse_endpoint("unix:/run/body.sock"));
  EXPECT_EQ(shared.socket, "/run/body.sock");
  EXPECT_EQ(endpoint_name(shared), "unix:/run/body.sock");
  EXPECT_EQ(endpoint_text(shared), "unix:/run/body.sock");
}

TEST(Endpoints, AreRefusedWhereTheyCanBeNeither) {
  for (const std::string_view text : {"unix:", "unix:body.sock"}) {
    expect_error(parse_endpoint(text), Kind::kInvalid, "begins with /");
  }
  expect_error(parse_endpoint("unix:/" + std::string(107, 'x')), Kind::kInvalid, "at most 107");
  expect_error(parse_endpoint(std::string_view("unix:/a\0b", 9)), Kind::kInvalid, "unix:/a");
  expect_error(parse_endpoint("gpu-1:8000"), Kind::kInvalid, "neither http:// nor https://");
}

}  // namespace
}  // namespace cloister
