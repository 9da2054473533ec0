#include "tee/clients.h"

#include "base/sha256.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister::serving {
namespace {

using std::chrono_literals::operator""s;
using test::expect_error;
using test::value_of;
using Verdict = ClientGate::Verdict;

const std::string kDigest(64, 'a');

std::string file(const std::string& clients) {
  return R"({"schema":"cloister/clients/1","clients":[)" + clients + "]}";
}

TEST(Clients, AreRead) {
  const auto clients = value_of(
      parse_clients(file(R"({"name":"a","token_sha256":")" + kDigest + R"("},
         {"name":"b","token_sha256":null,"certificate_sha256":")" +
                         std::string(64, 'b') + R"(","requests_per_second":2.5,"burst":1})")));
  ASSERT_EQ(clients.size(), 2U);
  EXPECT_EQ(clients[0].name, "a");
  EXPECT_FALSE(clients[0].requests_per_second);
  EXPECT_EQ(clients[0].burst, 10);
  EXPECT_EQ(clients[1].certificate_sha256, std::string(64, 'b'));
  EXPECT_EQ(clients[1].requests_per_second, 2.5);
}

TEST(Clients, AreRefusedWhereTheyAreUnclear) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "JSON"},
      {file(R"({"name":"a"})"), "client 'a': neither token_sha256 nor certificate_sha256"},
      {file(R"({"name":"a","token_sha256":"secret"})"), "want a SHA-256"},
      {file(R"({"name":"a","token_sha256":")" + std::string(64, 'A') + "\"}"), "want a SHA-256"},
      {file(R"({"name":"a","token":"x"})"), "token"},
      {file(R"({"name":"a","token_sha256":")" + kDigest + R"(","burst":0})"), "burst"},
      {file(R"({"name":"a","token_sha256":")" + kDigest + R"(","requests_per_second":-1})"),
       "requests_per_second"},
      {file(R"({"name":"a","token_sha256":")" + kDigest + R"("},{"name":"b","token_sha256":")" +
            kDigest + "\"}"),
       "clients 'a' and 'b' have the same"},
      {file("") + "x", "JSON"},
  };
  for (const auto& [json, part] : cases) {
    SCOPED_TRACE(json);
    expect_error(parse_clients(json), Kind::kInvalid, part);
  }
}

std::string digest_of(const std::string& token) {
  return to_hex(sha256(as_bytes(token)));
}

TEST(ClientGate, WithoutAListIsOpen) {
  ClientGate gate(std::nullopt);
  EXPECT_EQ(gate.admit("", "", {}), Verdict::kWelcome);
  ClientGate nobody{std::vector<Client>{}};
  EXPECT_EQ(nobody.admit("Bearer x", kDigest, {}), Verdict::kUnknown);
}

TEST(ClientGate, KnowsTokensAndCertificates) {
  ClientGate gate(std::vector<Client>{{.name = "a", .token_sha256 = digest_of("secret")},
                                      {.name = "b", .certificate_sha256 = kDigest}});
  for (const char* shown : {"Bearer secret", "bearer secret", "BEARER secret"}) {
    EXPECT_EQ(gate.admit(shown, "", {}), Verdict::kWelcome) << shown;
  }
  for (const char* shown : {"", "Bearer", "Bearer ", "Bearer  secret", "Bearer secret ", "secret",
                            "Basic secret", "Bearer SECRET", "Bearer wrong", "B"}) {
    EXPECT_EQ(gate.admit(shown, "", {}), Verdict::kUnknown) << shown;
  }
  EXPECT_EQ(gate.admit("Bearer " + digest_of("secret"), "", {}), Verdict::kUnknown);
  EXPECT_EQ(gate.admit("", kDigest, {}), Verdict::kWelcome);
  EXPECT_EQ(gate.admit("", std::string(64, 'b'), {}), Verdict::kUnknown);
}

TEST(ClientGate, CountsRequests) {
  ClientGate gate(std::vector<Client>{{.name = "a",
                                       .token_sha256 = digest_of("a"),
                                       .certificate_sha256 = kDigest,
                                       .requests_per_second = 2,
                                       .burst = 3},
                                      {.name = "b", .token_sha256 = digest_of("b")}});
  const auto start = ClientGate::Clock::time_point() + 1000s;
  const auto admitted = [&](ClientGate::Clock::time_point now) {
    int count = 0;
    while (gate.admit(count % 2 == 0 ? "Bearer a" : "", count % 2 == 0 ? "" : kDigest, now) ==
           Verdict::kWelcome) {
      ++count;
    }
    return count;
  };
  EXPECT_EQ(admitted(start), 3) << "one account, whatever is shown";
  EXPECT_EQ(admitted(start), 0);
  EXPECT_EQ(admitted(start + 1s), 2);
  EXPECT_EQ(admitted(start + 1000s), 3) << "no more than the burst";
  for (int i = 0; i < 100; ++i) EXPECT_EQ(gate.admit("Bearer b", "", start), Verdict::kWelcome);
}

}  // namespace
}  // namespace cloister::serving
