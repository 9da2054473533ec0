// Text from outside on a page.
#include "report/html.h"

#include <gtest/gtest.h>

namespace cloister::report {
namespace {

TEST(Escape, LeavesNoMarkup) {
  EXPECT_EQ(escape("<b a=\"x\" b='y'>&amp;"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape("a\nb\x1b\xff"), "a\\x0ab\\x1b\\xff");
  EXPECT_EQ(escape("é–✓"), "é–✓");
  EXPECT_LT(escape(std::string(5000, 'x')).size(), 500U);
  EXPECT_EQ(name("<"), "<bdi>&lt;</bdi>");
}

TEST(ScriptJson, CanNotEndItsElement) {
  const nlohmann::ordered_json json = {{"</script>", "<!--\u2028&"}, {"bad", "\xff"}};
  const std::string text = script_json(json);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  EXPECT_NE(text.find("\\u2028"), std::string::npos);
  EXPECT_EQ(nlohmann::ordered_json::parse(text)["</script>"], "<!--\u2028&");
}

TEST(Base64, IsThatOfTheRfc) {
  const char* pairs[][2] = {{"", ""},
                            {"f", "Zg=="},
                            {"fo", "Zm8="},
                            {"foo", "Zm9v"},
                            {"foob", "Zm9vYg=="},
                            {"fooba", "Zm9vYmE="},
                            {"foobar", "Zm9vYmFy"},
                            {"\xff\xfe\xfd", "//79"}};
  for (const auto& [text, want] : pairs) EXPECT_EQ(base64(as_bytes(text)), want);
}

TEST(Fill, LooksAtValuesOnlyOnce) {
  EXPECT_EQ(fill("{{a}}-{{b}}-{{c}}-{{", {{"a", "{{b}}"}, {"b", "2"}}), "{{b}}-2-{{c}}-{{");
}

}  // namespace
}  // namespace cloister::report
