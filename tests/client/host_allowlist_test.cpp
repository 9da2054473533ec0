#include "client/host_allowlist.h"

#include "tests/support/net.h"

namespace cloister::serving {
namespace {

using test::value_of;
using testing::HasSubstr;

constexpr uint16_t kPort = 8000;

unsigned status(const HostAllowlist& hosts, const net::Fields& fields, uint16_t port = kPort) {
  const auto refused = hosts.refusal({.fields = fields}, port);
  return refused ? refused->status : 200;
}

TEST(HostAllowlist, AreThoseOfLoopback) {
  const HostAllowlist hosts = value_of(HostAllowlist::make("127.0.0.1", {}));
  for (const char* own : {"127.0.0.1:8000", "localhost:8000", "LocalHost:8000", "127.1.2.3:8000",
                          "[::1]:8000", "[0:0::1]:8000", "[::ffff:127.0.0.1]:8000"}) {
    EXPECT_EQ(status(hosts, {{"Host", own}}), 200U) << own;
    EXPECT_EQ(status(hosts, {{"host", own}}, 8001), 421U) << own;
  }
  for (const char* other : {"",
                            "evil.example",
                            "evil.example:8000",
                            "127.0.0.1",
                            "localhost",
                            "127.0.0.1:80",
                            "localhost:8001",
                            "localhost.evil.example:8000",
                            "127.0.0.1.evil.example:8000",
                            "127.1:8000",
                            "2130706433:8000",
                            "0x7f000001:8000",
                            "10.0.0.1:8000",
                            "0.0.0.0:8000",
                            "[::]:8000",
                            "[::2]:8000",
                            "::1:8000",
                            "[::1]",
                            "localhost:8000:8000",
                            "localhost:",
                            "localhost:x",
                            "a@localhost:8000",
                            "localhost:8000/",
                            "http://localhost:8000",
                            ":8000"}) {
    EXPECT_EQ(status(hosts, {{"Host", other}}), 421U) << other;
  }
  EXPECT_EQ(status(hosts, {}), 421U);
  EXPECT_EQ(status(hosts, {{"Host", std::string("localhost\0.evil.example:8000", 28)}}), 421U);
  // What a browser leaves out is the port of the scheme.
  EXPECT_EQ(status(hosts, {{"Host", "localhost"}}, 80), 200U);
  EXPECT_EQ(status(hosts, {{"Host", "[::1]"}}, 80), 200U);
}

TEST(HostAllowlist, AreWhereItListens) {
  const HostAllowlist address = value_of(HostAllowlist::make("2001:db8::7", {}));
  EXPECT_EQ(status(address, {{"Host", "[2001:DB8:0::7]:8000"}}), 200U);
  EXPECT_EQ(status(address, {{"Host", "[2001:db8::8]:8000"}}), 421U);
  const HostAllowlist name = value_of(HostAllowlist::make("box.lan", {}));
  EXPECT_EQ(status(name, {{"Host", "box.lan:8000"}}), 200U);
  EXPECT_EQ(status(name, {{"Host", "lan:8000"}}), 421U);
}

TEST(HostAllowlist, AreAllAddressesWhereItListensOnAll) {
  for (const char* all : {"0.0.0.0", "::", "0::0"}) {
    const HostAllowlist hosts = value_of(HostAllowlist::make(all, {}));
    for (const char* own : {"10.0.0.1:8000", "[2001:db8::7]:8000", "localhost:8000"}) {
      EXPECT_EQ(status(hosts, {{"Host", own}}), 200U) << own;
    }
    EXPECT_EQ(status(hosts, {{"Host", "10.0.0.1:8001"}}), 421U);
    EXPECT_EQ(status(hosts, {{"Host", "box.lan:8000"}}), 421U);
  }
}

TEST(HostAllowlist, AreThoseThatAreNamed) {
  const HostAllowlist hosts =
      value_of(HostAllowlist::make("0.0.0.0", {"proxy.lan", "127.0.0.1:9000", "[::1]:9000"}));
  for (const char* own : {"proxy.lan:8000", "127.0.0.1:9000", "127.0.0.1:8000", "[::1]:9000"}) {
    EXPECT_EQ(status(hosts, {{"Host", own}}), 200U) << own;
  }
  for (const char* other : {"proxy.lan", "proxy.lan:9000", "localhost:9000", "127.0.0.2:9000"}) {
    EXPECT_EQ(status(hosts, {{"Host", other}}), 421U) << other;
  }
  for (const char* wrong :
       {"", "http://proxy.lan", "proxy.lan/", "proxy.lan:99999", "::1", ":80"}) {
    test::expect_error(HostAllowlist::make("127.0.0.1", {wrong}), Kind::kUsage, "want NAME");
  }
}

TEST(HostAllowlist, HaveNoPagesOfOthers) {
  const HostAllowlist hosts = value_of(HostAllowlist::make("127.0.0.1", {"proxy.lan:80"}));
  const net::Field host{"Host", "localhost:8000"};
  for (const char* own : {"http://localhost:8000", "http://127.0.0.1:8000", "http://proxy.lan"}) {
    EXPECT_EQ(status(hosts, {host, {"Origin", own}}), 200U) << own;
  }
  for (const char* other :
       {"", "null", "http://evil.example", "http://evil.example:8000", "https://localhost:8000",
        "http://localhost", "http://localhost:3000", "localhost:8000", "http://localhost:8000/",
        "file://", "http://localhost:8000 http://evil.example"}) {
    EXPECT_EQ(status(hosts, {host, {"origin", other}}), 403U) << other;
  }
  EXPECT_EQ(status(hosts, {{"Origin", "http://localhost:8000"}, host, {"Origin", "null"}}), 403U);
}

TEST(HostAllowlist, AreSaidInTheRefusal) {
  const auto said = [](const HostAllowlist& hosts, const net::Fields& fields) {
    return test::text_of(hosts.refusal({.fields = fields}, kPort).value());
  };
  const HostAllowlist one = value_of(HostAllowlist::make("::1", {"proxy.lan:80"}));
  EXPECT_EQ(said(one, {{"Host", "evil\x01.example"}}),
            R"({"error":"Host is 'evil\\x01.example', which is not this endpoint: )"
            R"(want [::1]:8000, localhost:8000, proxy.lan:80"})");
  EXPECT_EQ(said(one, {{"Host", "[::1]:8000"}, {"Origin", "null"}}),
            R"({"error":"Origin is 'null', a foreign web page: want http://[::1]:8000, )"
            R"(http://localhost:8000, http://proxy.lan:80 or none"})");
  const HostAllowlist all = value_of(HostAllowlist::make("0.0.0.0", {}));
  EXPECT_THAT(said(all, {}), HasSubstr("want ADDRESS:8000, localhost:8000\""));
}

}  // namespace
}  // namespace cloister::serving
