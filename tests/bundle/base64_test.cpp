#include "bundle/base64.h"

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;

// RFC 4648, section 10.
TEST(Base64, OfTheStandard) {
  const std::pair<std::string, std::string> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(base64(as_bytes(plain), Padding::kRequired), text);
    EXPECT_EQ(as_text(*parse_base64(text, Padding::kRequired)), plain);
    const std::string bare = text.substr(0, text.find('='));
    EXPECT_EQ(base64(as_bytes(plain), Padding::kNone), bare);
    EXPECT_EQ(as_text(*parse_base64(bare, Padding::kNone)), plain);
  }
}

TEST(Base64, EveryByteAndBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (size_t size = 0; size <= all.size(); ++size) {
    const Bytes bytes = as_bytes(all).first(size);
    for (const Padding padding : {Padding::kNone, Padding::kRequired}) {
      EXPECT_EQ(as_text(*parse_base64(base64(bytes, padding), padding)), as_text(bytes));
    }
  }
}

TEST(Base64, OnlyWhatItWrites) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zg==Zg==",
                           "Zm9v\n", " Zm9v", "Zm-v", "Zm_v", "Zm9vYg==\n"}) {
    expect_error(parse_base64(text, Padding::kRequired), Kind::kInvalid, "base64");
  }
  for (const char* text : {"Zg==", "Z", "Zh", "Zm9", "Zm9v=", "Zm9vY"}) {
    expect_error(parse_base64(text, Padding::kNone), Kind::kInvalid, "base64");
  }
}

}  // namespace
}  // namespace cloister
