#include "tee/key_client.h"

#include <atomic>

#include "serving/key_messages.h"
#include "tests/keyserver/key_world.h"
#include "tests/support/age_text.h"

namespace cloister::serving {
namespace {

using test::bundle_3;
using test::expect_error;
using test::model;
using test::value_of;

net::Response json(unsigned status, std::string text) {
  return net::text_response(status, "application/json", std::move(text));
}

// A key server that answers as a test likes.
class KeyClient : public testing::Test {
 protected:
  using Answer = std::function<net::Response(const net::Request&)>;

  Result<ReleasedKeys> ask(Answer challenge, Answer release,
                           test::FakeProducer producer = test::simulated()) {
    const auto server = value_of(net::Server::start(
        {.tls = value_of(net::make_tls_identity({"127.0.0.1"}, test::now_s()))},
        [&](net::Request request, net::Respond respond) {
          ++asked_;
          respond(request.target == kChallengeTarget ? challenge(request) : release(request));
        }));
    question_.server = {.tls = true, .host = "127.0.0.1", .port = server->port()};
    return ask_for_keys(question_, bundle_3(), producer);
  }
  static net::Response honest_challenge(const net::Request&) {
    return json(200, attest::write_request({}));
  }
  // Wraps as it likes for who asks, with the true key.
  static Answer wrapping(std::function<void(KeyReply&, const age::Recipient&)> change) {
    return [change = std::move(change)](const net::Request& request) {
      const auto asked = value_of(parse_key_request(as_text(request.body.bytes)));
      const auto reply = value_of(attest::parse_reply(asked.reply_json));
      const auto recipient = value_of(
          age::Recipient::parse(value_of(attest::parse_statement(reply.statement_json)).recipient));
      KeyReply answer{.key = "k", .headers = {}};
      for (const auto& [entry, header] : asked.headers) {
        answer.headers[entry] = value_of(age::rewrap(header, model().owner(), recipient));
      }
      change(answer, recipient);
      return json(200, write_key_reply(answer));
    };
  }

  KeyQuestion question_{.server = {},
                        .limit = net::Seconds(20),
                        .config_sha256 = std::string(64, 'c'),
                        .tool = "test"};
  std::atomic<int> asked_ = 0;
};

TEST_F(KeyClient, TakesWhatOpensTheBundle) {
  const auto keys =
      value_of(ask(honest_challenge, wrapping([](KeyReply&, const age::Recipient&) {})));
  EXPECT_TRUE(bundle_3().segment("head", keys.identities, keys.headers));
}

TEST_F(KeyClient, ShowsNoMoreThanClientsMaySee) {
  std::vector<std::string> shown;
  (void)ask(
      [](const net::Request&) {
        return json(200, attest::write_request({.nonce = {},
                                                .kinds = {},
                                                .files = {"labels.txt", "head.onnx.age",
                                                          "body.onnx", "audit.json"}}));
      },
      [&](const net::Request& request) {
        const auto asked = value_of(parse_key_request(as_text(request.body.bytes)));
        for (const auto& [name, text] : value_of(attest::parse_reply(asked.reply_json)).files) {
          shown.push_back(name);
        }
        EXPECT_EQ(asked.recipients, bundle_3().manifest().recipients);
        EXPECT_EQ(asked.headers, value_of(bundle_3().headers()));
        return json(403, R"({"error":"no"})");
      });
  EXPECT_THAT(shown, testing::ElementsAre("labels.txt"));
}

// Whoever poses as the key server gets no further than this.
TEST_F(KeyClient, RefusesWhatOpensNothing) {
  const auto other = value_of(age::Identity::generate());
  expect_error(ask(honest_challenge, wrapping([&](KeyReply& reply, const age::Recipient&) {
                     const auto file = value_of(age::encrypt_text("x", {other.recipient()}));
                     reply.headers["head.onnx.age"] =
                         file.substr(0, file.find('\n', file.find("\n---") + 1) + 1);
                   })),
               Kind::kRefused, "entry head.onnx.age: no recipient");
  expect_error(ask(honest_challenge, wrapping([](KeyReply& reply, const age::Recipient&) {
                     reply.headers["head.onnx.age"] = "age-encryption.org/v1\n";
                   })),
               Kind::kRefused, "entry head.onnx.age: age header");
  expect_error(ask(honest_challenge, wrapping([](KeyReply& reply, const age::Recipient&) {
                     reply.headers.erase("head.onnx.age");
                   })),
               Kind::kRefused, "1 headers, want 2");
  expect_error(ask(honest_challenge, wrapping([](KeyReply& reply, const age::Recipient&) {
                     reply.headers["tail.onnx.age"] = reply.headers["head.onnx.age"];
                   })),
               Kind::kRefused, "'tail.onnx.age', which was not requested");
  // A file key of its own making, well wrapped, opens nothing of the bundle.
  const auto keys =
      value_of(ask(honest_challenge, wrapping([](KeyReply& reply, const age::Recipient& to) {
                     const auto file = value_of(age::encrypt_text("x", {to}));
                     reply.headers["head.onnx.age"] =
                         file.substr(0, file.find('\n', file.find("\n---") + 1) + 1);
                   })));
  expect_error(bundle_3().segment("head", keys.identities, keys.headers), Kind::kInvalid,
               "MAC is wrong");
}

TEST_F(KeyClient, TellsWhatMayBeAskedAgain) {
  for (const unsigned status : {429U, 500U, 503U}) {
    expect_error(ask(honest_challenge,
                     [&](const net::Request&) { return json(status, R"({"error":"busy"})"); }),
                 Kind::kUnavailable, "busy");
    expect_error(
        ask([&](const net::Request&) { return json(status, R"({"error":"busy"})"); }, nullptr),
        Kind::kUnavailable, "busy");
  }
  for (const unsigned status : {400U, 403U, 404U, 413U}) {
    expect_error(ask(honest_challenge,
                     [&](const net::Request&) { return json(status, R"({"error":"no"})"); }),
                 Kind::kRefused, "no");
  }
  expect_error(ask([](const net::Request&) { return json(200, "{}"); }, nullptr), Kind::kRefused,
               "schema");
  expect_error(ask(honest_challenge, [](const net::Request&) { return json(200, "[]"); }),
               Kind::kRefused, "key server");
  // Nobody there.
  test::FakeProducer producer = test::simulated();
  expect_error(ask_for_keys(question_, bundle_3(), producer), Kind::kUnavailable, "key server");
  question_.server.tls = false;
  expect_error(ask_for_keys(question_, bundle_3(), producer), Kind::kUsage, "want https");
}

TEST_F(KeyClient, EvidenceThatThereIsNot) {
  const auto kinds = [](const net::Request&) {
    return json(200, attest::write_request({.nonce = {}, .kinds = {"snp"}, .files = {}}));
  };
  expect_error(ask(kinds, nullptr), Kind::kRefused, "no evidence of kind 'simulated'");
  expect_error(ask(honest_challenge, nullptr,
                   {attest::EvidenceKind::kSnp,
                    [](const attest::Fixed<64>&) -> Result<attest::AttestedEvidence> {
                      return fail(Kind::kUnavailable, "busy firmware");
                    }}),
               Kind::kUnavailable, "busy firmware");
  EXPECT_EQ(asked_, 2);
}

}  // namespace
}  // namespace cloister::serving
