#include "base/base64.h"

#include "tests/support/result.h"

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
    EXPECT_EQ(base64(as_bytes(plain), Base64::kPadded), text);
    EXPECT_EQ(as_text(*parse_base64(text, Base64::kPadded)), plain);
    const std::string bare = text.substr(0, text.find('='));
    EXPECT_EQ(base64(as_bytes(plain), Base64::kBare), bare);
    EXPECT_EQ(as_text(*parse_base64(bare, Base64::kBare)), plain);
  }
}

TEST(Base64, EveryByteAndBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (size_t size = 0; size <= all.size(); ++size) {
    const Bytes bytes = as_bytes(all).first(size);
    for (const Base64 form : {Base64::kBare, Base64::kPadded, Base64::kUrl}) {
      EXPECT_EQ(as_text(*parse_base64(base64(bytes, form), form)), as_text(bytes));
    }
  }
}

TEST(Base64, OnlyWhatItWrites) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zg==Zg==",
                           "Zm9v\n", " Zm9v", "Zm 9v", "=m9v", "Z", "Zm-v", "Zm_v", "Zm9vYg==\n"}) {
    expect_error(parse_base64(text, Base64::kPadded), Kind::kInvalid, "base64");
  }
  for (const char* text : {"Zg==", "Z", "Zh", "Zm9", "Zm9v=", "Zm9vY"}) {
    expect_error(parse_base64(text, Base64::kBare), Kind::kInvalid, "base64");
  }
  for (const char* text : {"Zg==", "Zh", "Z", "+/+/"}) {
    expect_error(parse_base64(text, Base64::kUrl), Kind::kInvalid, "base64");
  }
}

TEST(Base64, AlphabetsDiffer) {
  EXPECT_EQ(as_text(*parse_base64("+/+/", Base64::kPadded)), "\xfb\xff\xbf");
  EXPECT_EQ(as_text(*parse_base64("-_-_", Base64::kUrl)), "\xfb\xff\xbf");
}

}  // namespace
}  // namespace cloister
