#include "serving/address.h"

#include "tests/support/result.h"

namespace cloister::serving {
namespace {

TEST(Address, IsAHostAndAPort) {
  const std::tuple<const char*, const char*, int> cases[] = {
      {"127.0.0.1:8000", "127.0.0.1", 8000},
      {"[::1]:443", "::1", 443},
      {"0.0.0.0:0", "0.0.0.0", 0},
      {"localhost:65535", "localhost", 65535}};
  for (const auto& [text, host, port] : cases) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
  }
}

TEST(Address, IsNothingElse) {
  for (const char* text :
       {"", ":", "8000", ":8000", "host", "host:", "host:x", "host:-1", "host:+1", "host:65536",
        "host: 1", "host:1 ", "::1:80", "[]:80", "http://h:80"}) {
    test::expect_error(parse_address(text), Kind::kUsage, "want HOST:PORT");
  }
}

}  // namespace
}  // namespace cloister::serving
