#include "attest/base64.h"

#include <gmock/gmock.h>

namespace cloister::attest {
namespace {

std::string standard(std::string_view text) {
  const auto bytes = decode_base64(text, Base64::kStandard);
  return bytes ? std::string(as_text(*bytes)) : "refused";
}

std::string url(std::string_view text) {
  const auto bytes = decode_base64(text, Base64::kUrl);
  return bytes ? std::string(as_text(*bytes)) : "refused";
}

// RFC 4648, section 10.
TEST(Base64, Decodes) {
  EXPECT_EQ(standard(""), "");
  EXPECT_EQ(standard("Zg=="), "f");
  EXPECT_EQ(standard("Zm8="), "fo");
  EXPECT_EQ(standard("Zm9v"), "foo");
  EXPECT_EQ(standard("Zm9vYmFy"), "foobar");
  EXPECT_EQ(standard("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(url("Zg"), "f");
  EXPECT_EQ(url("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64, RefusesWhatIsNotTheOneEncoding) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "-_-_",
                           "Zm9v\n", "=m9v", "Z"}) {
    EXPECT_EQ(standard(text), "refused") << text;
  }
  for (const char* text : {"Zg==", "Zh", "Z", "+/+/"}) EXPECT_EQ(url(text), "refused") << text;
}

}  // namespace
}  // namespace cloister::attest
