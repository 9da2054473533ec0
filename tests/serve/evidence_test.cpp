#include "serve/evidence.h"

#include "tests/serve/attested_server.h"

namespace cloister::serve {
namespace {

using test::Sealed;
using test::value_of;
using testing::HasSubstr;

class Evidence : public testing::Test {
 protected:
  static const Sealed& sealed() {
    static const Sealed made({"h1"});
    return made;
  }

  net::Response ask(const std::string& method, const std::string& body) {
    return value_of(connection_->exchange({.method = method, .target = attest::kExchangeTarget},
                                          {net::shared_text(body)}, net::Seconds(20)));
  }

  test::AttestedServer server_{test::honest_exchange(sealed())};
  std::unique_ptr<net::Connection> connection_ = value_of(net::Connection::open(
      server_.url(), {.trust = net::ClientOptions::Trust::kCallerChecks}, net::Seconds(20)));
};

TEST_F(Evidence, HandsOverPublicFilesOnly) {
  const auto reply = value_of(attest::parse_reply(test::text_of(
      ask("POST",
          attest::write_request({.files = {"labels.txt", "plan.json", "head.onnx.age", "body.onnx",
                                           "manifest.json", "../../etc/passwd", "audit.json"}})))));
  std::vector<std::string> names;
  for (const auto& [name, text] : reply.files) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("labels.txt", "plan.json"));
  EXPECT_EQ(reply.manifest_json, sealed().open().manifest_json());
}

TEST_F(Evidence, IsNewForEachNonce) {
  attest::Nonce other;
  other.bytes.fill(std::byte{1});
  const std::string first = test::text_of(ask("POST", attest::write_request({})));
  EXPECT_EQ(first, test::text_of(ask("POST", attest::write_request({}))));
  EXPECT_NE(first, test::text_of(ask("POST", attest::write_request({.nonce = other}))));
}

TEST_F(Evidence, SaysWhatItCantGive) {
  const net::Response kinds = ask("POST", attest::write_request({.kinds = {"snp", "tdx"}}));
  EXPECT_EQ(kinds.status, 403U);
  EXPECT_THAT(test::text_of(kinds), HasSubstr("simulated evidence only"));
  EXPECT_EQ(ask("POST", attest::write_request({.kinds = {"snp", "simulated"}})).status, 200U);
  for (const char* body : {"", "{}", "[", "nonce"}) EXPECT_EQ(ask("POST", body).status, 400U);
  const net::Response get = ask("GET", "");
  EXPECT_EQ(get.status, 405U);
  EXPECT_EQ(*get.fields.find("Allow"), "POST");
}

}  // namespace
}  // namespace cloister::serve
