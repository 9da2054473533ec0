// A newer bundle in place of the one that is served.
#include <atomic>
#include <thread>

#include "client/client.h"
#include "tests/support/patience.h"
#include "tests/support/served_model.h"

namespace cloister::serving {
namespace {

using test::expect_error;
using test::kPatience;
using test::Sealed;
using test::some_rows;
using test::value_of;

// Bundles whose answers differ. Clients trust what either signer signed.
class ReplaceBundle : public testing::Test {
 protected:
  VerifyOptions verify_options() const {
    VerifyOptions options = first_.verify_options();
    options.policy.bundle.signers.push_back(second_.signer.public_key);
    return options;
  }
  std::unique_ptr<VerifiedConnection> connect() const {
    return value_of(VerifiedConnection::open(test::url_of(*server_), verify_options()));
  }
  static Result<Tensor> ask(VerifiedConnection& connection, const Tensor& x) {
    TRY(outputs, infer(connection, {{"x", x}}, {}));
    return outputs[0].tensor;
  }
  static bool same(const Tensor& got, const Tensor& want) {
    const auto difference = compare(got.view(), want.view());
    return difference && difference->relative() <= 1e-6;
  }
  bool answers_second() const {
    const auto connection = connect();
    const auto got = ask(*connection, x_);
    return got && same(*got, second_.expected(x_));
  }

  const Tensor x_ = some_rows(2, 0.5);
  const Sealed first_{{"h1"}};
  const Sealed second_{{"h1"}, 2, 8, test::small_network("Sigmoid")};
  const std::unique_ptr<WorkerServer> first_worker_ = first_.start_worker();
  const std::unique_ptr<WorkerServer> second_worker_ = second_.start_worker();
  const std::unique_ptr<TrustedServer> server_ =
      value_of(TrustedServer::start(first_.open(), first_.parts({first_worker_->port()})));
};

TEST_F(ReplaceBundle, ConnectionsFinishOnTheBundleThatTheyVerified) {
  ASSERT_TRUE(test::wait_ready(*server_, kPatience));
  const auto before = connect();
  const std::string manifest = server_->manifest_sha256();
  ASSERT_TRUE(
      server_->replace_bundle(second_.open(), second_.bundle_parts({second_worker_->port()})));
  EXPECT_NE(server_->manifest_sha256(), manifest);
  const auto last = ask(*before, x_);
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_TRUE(same(*last, first_.expected(x_)));
  EXPECT_FALSE(before->is_open());
  EXPECT_EQ(before->facts().manifest.version, 1U);
  const auto after = connect();
  EXPECT_EQ(after->facts().manifest.version, 2U);
  ASSERT_TRUE(test::wait_ready(*server_, kPatience));
  EXPECT_TRUE(same(value_of(ask(*after, x_)), second_.expected(x_)));
  EXPECT_TRUE(after->is_open());
}

// A worker that has the body of another bundle would compute something else.
TEST_F(ReplaceBundle, WorkersOfAnotherBundleAreNotAsked) {
  expect_error(server_->replace_bundle(second_.open(),
                                       second_.bundle_parts({first_worker_->port()}), Seconds(0.5)),
               Kind::kUnavailable, "no worker is up");
  ASSERT_TRUE(test::wait_ready(*server_, kPatience));
  EXPECT_FALSE(answers_second());
  ASSERT_TRUE(server_->replace_bundle(
      second_.open(), second_.bundle_parts({first_worker_->port(), second_worker_->port()})));
  EXPECT_TRUE(answers_second());
}

TEST_F(ReplaceBundle, OnlyANewerOneOfTheSameModel) {
  const auto refused = [&](const Sealed& other, const std::string& part) {
    expect_error(server_->replace_bundle(other.open(), other.bundle_parts({first_worker_->port()})),
                 Kind::kRefused, part);
  };
  refused(Sealed({"h1"}, 1), "version 1, want one after 1");
  const std::string manifest = server_->manifest_sha256();
  expect_error(server_->replace_bundle(second_.open(), second_.bundle_parts({})), Kind::kUsage,
               "needs a worker");
  expect_error(server_->replace_bundle(second_.open(), first_.bundle_parts({1})), Kind::kRefused,
               "");
  EXPECT_EQ(server_->manifest_sha256(), manifest);
  ASSERT_TRUE(test::wait_ready(*server_, kPatience));
  const auto connection = connect();
  EXPECT_TRUE(same(value_of(ask(*connection, x_)), first_.expected(x_)));
}

TEST_F(ReplaceBundle, ARequestMayNameItsBundle) {
  ASSERT_TRUE(test::wait_ready(*server_, kPatience));
  const auto post = [&](const std::string& digest) {
    const auto connection = value_of(net::Connection::open(
        test::url_of(*server_), {.trust = net::ClientOptions::Trust::kCallerChecks}, kPatience));
    const std::string json = fmt::format(
        R"({{"parameters":{{"manifest_sha256":"{}"}},"inputs":[{{"name":"x","datatype":"FP32",)"
        R"("shape":[1,4],"data":[1,2,3,4]}}]}})",
        digest);
    return value_of(connection->exchange({.method = "POST", .target = "/v2/models/small/infer"},
                                         {{as_bytes(json), nullptr}}, kPatience));
  };
  EXPECT_EQ(post(server_->manifest_sha256()).status, 200U);
  const auto refused = post("00");
  EXPECT_EQ(refused.status, 403U);
  EXPECT_THAT(as_text(net::body_of(refused).bytes), testing::HasSubstr("the request expects 00"));
}

// Each answer is that of the bundle which its connection verified, and none is lost.
TEST_F(ReplaceBundle, NothingIsLostOrMixedUnderLoad) {
  ASSERT_TRUE(test::wait_ready(*server_, kPatience));
  const Tensor wants[] = {first_.expected(x_), second_.expected(x_)};
  std::atomic<bool> done = false;
  std::atomic<int> right[] = {0, 0};
  std::atomic<int> wrong = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      std::unique_ptr<VerifiedConnection> connection;
      while (!done) {
        if (!connection || !connection->is_open()) connection = connect();
        const auto version = connection->facts().manifest.version;
        const auto got = ask(*connection, x_);
        if (!got) {
          ++lost;
        } else if (same(*got, wants[version - 1])) {
          ++right[version - 1];
        } else {
          ++wrong;
        }
      }
    });
  }
  const auto served = [&](int version) { return right[version - 1] > 50; };
  EXPECT_TRUE(test::eventually([&] { return served(1); }));
  ASSERT_TRUE(
      server_->replace_bundle(second_.open(), second_.bundle_parts({second_worker_->port()})));
  EXPECT_TRUE(test::eventually([&] { return served(2); }));
  done = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace cloister::serving
