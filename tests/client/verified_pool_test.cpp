#include "client/verified_pool.h"

#include <future>

#include "tests/support/evidence_server.h"
#include "tests/support/patience.h"

namespace cloister::serving {
namespace {

using test::EvidenceServer;
using test::expect_error;
using test::Sealed;
using test::value_of;

net::Response ok(const net::Request&) {
  return net::text_response(200, "text/plain", "ok");
}

PoolOptions options_for(const Sealed& sealed, const EvidenceServer& server) {
  return {.server = server.url(), .verify = sealed.verify_options()};
}

TEST(VerifiedPool, KeepsItsConnection) {
  const Sealed sealed({});
  const EvidenceServer server(sealed, ok);
  const auto pool = value_of(VerifiedPool::open(options_for(sealed, server)));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(value_of(pool->exchange({}, {}, cloister::test::kPatience)).status, 200U);
  EXPECT_EQ(server.exchanges, 1);
  EXPECT_EQ(server.others, 3);
}

TEST(VerifiedPool, VerifiesAnewWhatIsOld) {
  const Sealed sealed({});
  const EvidenceServer server(sealed, ok);
  PoolOptions options = options_for(sealed, server);
  options.verify_every = net::Seconds(0);
  const auto pool = value_of(VerifiedPool::open(options));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool->exchange({}, {}, cloister::test::kPatience));
  EXPECT_EQ(server.exchanges, 4);
}

TEST(VerifiedPool, OpensAnotherAfterOneThatTheServerClosed) {
  const Sealed sealed({});
  const EvidenceServer server(sealed, [](const net::Request&) {
    net::Response response = net::text_response(200, "text/plain", "bye");
    response.fields.push_back({"Connection", "close"});
    return response;
  });
  const auto pool = value_of(VerifiedPool::open(options_for(sealed, server)));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool->exchange({}, {}, cloister::test::kPatience));
  EXPECT_EQ(server.exchanges, 3);
}

TEST(VerifiedPool, HasNoMoreConnectionsThanItMay) {
  const Sealed sealed({});
  const EvidenceServer server(sealed, ok);
  PoolOptions options = options_for(sealed, server);
  options.connections = 2;
  const auto pool = value_of(VerifiedPool::open(options));
  std::vector<std::future<bool>> asked;
  for (int i = 0; i < 6; ++i) {
    asked.push_back(std::async(std::launch::async, [&] {
      bool all = true;
      for (int k = 0; k < 20; ++k)
        all = pool->exchange({}, {}, cloister::test::kPatience).has_value() && all;
      return all;
    }));
  }
  for (auto& all : asked) EXPECT_TRUE(all.get());
  EXPECT_LE(server.exchanges, 2);
  EXPECT_EQ(server.others, 120);
}

TEST(VerifiedPool, SaysThatAllAreBusy) {
  const Sealed sealed({});
  std::promise<void> in_use;
  std::promise<void> release;
  const EvidenceServer server(sealed, [&](const net::Request& request) {
    in_use.set_value();
    release.get_future().wait();
    return ok(request);
  });
  PoolOptions options = options_for(sealed, server);
  options.connections = 1;
  const auto pool = value_of(VerifiedPool::open(options));
  auto first = std::async(std::launch::async,
                          [&] { return pool->exchange({}, {}, cloister::test::kPatience); });
  in_use.get_future().wait();
  expect_error(pool->exchange({}, {}, net::Seconds(0.01)), Kind::kDeadline, "1 connections are");
  release.set_value();
  EXPECT_TRUE(first.get());
}

// What a server that is started again with another bundle gets, after one with version 5.
Result<net::Response> after_renewal(const Sealed& next, bool renewable) {
  const Sealed first({}, 5);
  std::atomic<bool> restarted = false;
  const test::AttestedServer server(
      [&, before = test::honest_exchange(first), after = test::honest_exchange(next)](
          const net::Request& request) { return restarted ? after(request) : before(request); });
  VerifyOptions verify = first.verify_options();
  verify.policy.bundle = {.accept_any_signer = true};
  const auto pool = value_of(VerifiedPool::open({.server = server.url(),
                                                 .verify = verify,
                                                 .verify_every = net::Seconds(0),
                                                 .renewable = renewable}));
  EXPECT_TRUE(pool->exchange({}, {}, cloister::test::kPatience));
  restarted = true;
  return pool->exchange({}, {}, cloister::test::kPatience);
}

TEST(VerifiedPool, AcceptsARenewedBundleOnlyWhereThatWasAsked) {
  const Sealed newer({}, 6);
  expect_error(after_renewal(newer, false), Kind::kNotFound, "the bundle with manifest");
  EXPECT_EQ(value_of(after_renewal(newer, true)).status, 200U);
  const Sealed older({}, 4);
  expect_error(after_renewal(older, true), Kind::kRefused, "bundle.version: 4, want 5 or later");
}

TEST(VerifiedPool, RefusesWhatThePolicyRefuses) {
  const Sealed sealed({});
  const EvidenceServer server(sealed, ok);
  PoolOptions options = options_for(sealed, server);
  options.verify.policy.tee.accept_simulated = false;
  expect_error(VerifiedPool::open(options), Kind::kRefused, "simulated");
  EXPECT_EQ(server.others, 0);
}

}  // namespace
}  // namespace cloister::serving
