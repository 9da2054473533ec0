#include "tests/support/net.h"

using namespace cloister;
using namespace cloister::net;
using test::expect_error;
using test::value_of;

TEST(Url, ReadsWhatItWrites) {
  for (const char* text :
       {"http://localhost", "https://a.example:8443/v2/models", "http://127.0.0.1:1/",
        "https://[::1]:8443/x", "https://[fe80::1]", "http://a_b-c.d/%20"}) {
    EXPECT_EQ(url_text(value_of(parse_url(text))), text);
  }
}

TEST(Url, HasUsualPorts) {
  EXPECT_EQ(value_of(parse_url("http://h")).port, 80);
  EXPECT_EQ(value_of(parse_url("https://h")).port, 443);
  EXPECT_EQ(url_text(value_of(parse_url("https://h:443/"))), "https://h/");
}

TEST(Url, TakesItsParts) {
  const Url url = value_of(parse_url("https://[2001:db8::2]:99/a/b"));
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "2001:db8::2");
  EXPECT_EQ(url.port, 99);
  EXPECT_EQ(url.path, "/a/b");
}

TEST(Url, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "neither http:// nor https://"},
      {"localhost:80", "neither http:// nor https://"},
      {"ftp://h", "neither http:// nor https://"},
      {"HTTP://h", "neither http:// nor https://"},
      {"http://", "no host"},
      {"http://:80", "no host"},
      {"http:///x", "no host"},
      {"http://a b", "forbidden characters"},
      {"http://a\tb", "forbidden characters"},
      {"http://a%00b", "forbidden characters"},
      {"http://a..b", "empty label"},
      {"http://.a", "empty label"},
      {"http://h:", "port ''"},
      {"http://h:0", "port '0'"},
      {"http://h:65536", "port '65536'"},
      {"http://h:99999999999", "port '99999999999'"},
      {"http://h:+1", "port '+1'"},
      {"http://h:1x", "port '1x'"},
      {"http://::1", "no host"},
      {"http://1::2", "port ':2'"},
      {"http://[::1", "without ']'"},
      {"http://[::1]x", "after the address"},
      {"http://[::1%25lo]", "no IPv6 address"},
      {"http://[127.0.0.1]", "no IPv6 address"},
      {"http://u:p@h", "user"},
      {"http://h/?q", "query"},
      {"http://h?q", "query"},
      {"http://h#f", "fragment"},
      {"http://h/\xc3\xa4", "forbidden characters"},
      {"http://h/a\r\nb", "forbidden characters"},
  };
  for (const auto& [text, part] : kCases) {
    SCOPED_TRACE(text);
    expect_error(parse_url(text), Kind::kInvalid, part);
  }
  expect_error(parse_url("http://" + std::string(254, 'a')), Kind::kInvalid, "254 bytes");
}
