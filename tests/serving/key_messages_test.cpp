#include "serving/key_messages.h"

#include "tests/support/result.h"

namespace cloister::serving {
namespace {

using test::expect_error;
using test::value_of;

const KeyRequest& sample() {
  static const KeyRequest kRequest{
      "{\"schema\": \"x\"}\n", {"age1one", "age1two"}, {{"head.onnx.age", "age\n"}, {"t", "\n"}}};
  return kRequest;
}

TEST(KeyMessages, ThereAndBack) {
  const KeyRequest request = value_of(parse_key_request(write_key_request(sample())));
  EXPECT_EQ(request.reply_json, sample().reply_json);
  EXPECT_EQ(request.recipients, sample().recipients);
  EXPECT_EQ(request.headers, sample().headers);
  const KeyReply reply = value_of(parse_key_reply(write_key_reply({"k", sample().headers})));
  EXPECT_EQ(reply.key, "k");
  EXPECT_EQ(reply.headers, sample().headers);
}

TEST(KeyMessages, RefusedWhereTheyAreWrong) {
  const std::string good = write_key_request(sample());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return parse_key_request(text);
  };
  expect_error(with("key-request/1", "key-request/2"), Kind::kUnsupported, "key-request/2");
  expect_error(with("\"t\"", "\"head.onnx.age\""), Kind::kInvalid, "given twice");
  expect_error(with("\"recipients\"", "\"recipient\""), Kind::kInvalid, "recipient");
  expect_error(with("\"age\\n\"", "\"\""), Kind::kInvalid, "headers[0].header");
  expect_error(with("\"age\\n\"", "\"" + std::string(age::kMaxHeaderBytes + 1, 'a') + "\""),
               Kind::kInvalid, "headers[0].header");
  KeyRequest many = sample();
  for (size_t i = 0; i <= kMaxHeaders; ++i) many.headers[std::to_string(i)] = "x";
  expect_error(parse_key_request(write_key_request(many)), Kind::kInvalid, "want at most 16");
  for (size_t size = 0; size < good.size() - 1; ++size) {
    EXPECT_FALSE(parse_key_request(good.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace cloister::serving
