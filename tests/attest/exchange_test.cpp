#include "attest/exchange.h"

#include "tests/support/result.h"

namespace cloister::attest {
namespace {

using cloister::test::expect_error;
using cloister::test::value_of;

Nonce some_nonce(int first) {
  Nonce nonce;
  for (size_t i = 0; i < nonce.bytes.size(); ++i) {
    nonce.bytes[i] = static_cast<std::byte>(static_cast<size_t>(first) + i);
  }
  return nonce;
}

ExchangeReply some_reply() {
  return {.evidence = {.kind = EvidenceKind::kTpm,
                       .report = {std::byte{1}, std::byte{0}},
                       .parts = {{"tpm_pcrs", {std::byte{255}}}}},
          .endorsements = {.blobs = {{"vek", {std::byte{7}}}}},
          .statement_json = "{\"a\": 1}\n",
          .manifest_json = "manifest \"\\\n",
          .manifest_signature = "",
          .files = {{"labels.txt", "one\ntwo\n"}, {"plan.json", "{}"}}};
}

// `text` with its only `from` replaced.
std::string edited(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// SHA-512 over the documented bytes, by other code: docs/formats/attestation.md.
TEST(Exchange, ReportDataIsAsDocumented) {
  Digest key{};
  key.fill(std::byte{0x11});
  std::array<std::byte, 32> exported{};
  exported.fill(std::byte{0x33});
  Nonce nonce;
  nonce.bytes.fill(std::byte{0x22});
  // printf 'cloister-attestation-v1\0S' + 32 x 11 + 32 x 22 + 32 x 33 + sha256('{}') | sha512sum
  EXPECT_EQ(to_string(value_of(report_data(Role::kServer, key, nonce, exported, "{}"))),
            "9c708cb07a98fac736f04f6f4a6e4dc351c93ad15e65d1b989fbf3bfe4bd4c46"
            "4ddd885eb9a5141fdde8f3802d10d3f46fa08132681f2fccefb3f363a767c84f");
}

TEST(Exchange, ReportDataDependsOnAllOfIt) {
  const Digest key{};
  const std::array<std::byte, 32> exported{};
  std::set<std::string> seen;
  const auto is_new = [&](const Result<ReportData>& data) {
    return seen.insert(to_string(value_of(data))).second;
  };
  EXPECT_TRUE(is_new(report_data(Role::kServer, key, {}, exported, "{}")));
  EXPECT_TRUE(is_new(report_data(Role::kClient, key, {}, exported, "{}")));
  EXPECT_TRUE(is_new(report_data(Role::kServer, sha256({}), {}, exported, "{}")));
  EXPECT_TRUE(is_new(report_data(Role::kServer, key, some_nonce(0), exported, "{}")));
  EXPECT_TRUE(is_new(report_data(Role::kServer, key, {}, sha256({}), "{}")));
  EXPECT_TRUE(is_new(report_data(Role::kServer, key, {}, exported, "{} ")));
}

TEST(Exchange, RequestsComeBackAsTheyWere) {
  const ExchangeRequest request{
      .nonce = some_nonce(200), .kinds = {"snp", "tdx"}, .files = {"audit.json"}};
  const auto read = value_of(parse_request(write_request(request)));
  EXPECT_EQ(read.nonce, request.nonce);
  EXPECT_EQ(read.kinds, request.kinds);
  EXPECT_EQ(read.files, request.files);
}

TEST(Exchange, StrangeRequestsAreRefused) {
  const std::string good = write_request({.nonce = some_nonce(0)});
  const std::string hex = to_string(some_nonce(0));
  const std::pair<std::string, const char*> cases[] = {
      {"", "JSON"},
      {"{}", "schema"},
      {good + good, "JSON"},
      {std::string(20'000, ' ') + good, "bytes"},
      {edited(good, hex, hex.substr(2)), "nonce"},
      {edited(good, hex, hex + "00"), "nonce"},
      {edited(good, hex, "g" + hex.substr(1)), "nonce"},
      {edited(good, "\"kinds\"", "\"kind\""), "kind"},
      {edited(good, "\"kinds\": []", "\"kinds\": [7]"), "kinds[0]"},
      {edited(good, "\"files\": []", "\"files\": {}"), "files"},
  };
  for (const auto& [json, part] : cases) {
    SCOPED_TRACE(json.substr(0, 300));
    expect_error(parse_request(json), Kind::kInvalid, part);
  }
  expect_error(parse_request(edited(good, "request/1", "request/2")), Kind::kUnsupported, "schema");
}

TEST(Exchange, StatementsComeBackAsTheyWere) {
  const Statement statement{.mode = "tee",
                            .manifest_sha256 = std::string(64, 'a'),
                            .config_sha256 = std::string(64, 'b'),
                            .tool = "t"};
  const std::string json = write_statement(statement);
  const auto read = value_of(parse_statement(json));
  EXPECT_EQ(read.role, "server");
  EXPECT_EQ(read.mode, "tee");
  EXPECT_EQ(read.manifest_sha256, statement.manifest_sha256);
  EXPECT_EQ(read.config_sha256, statement.config_sha256);
  expect_error(parse_statement(edited(json, "\"server\"", "\"host\"")), Kind::kInvalid, "role");
  expect_error(parse_statement(edited(json, std::string(64, 'a'), "a")), Kind::kInvalid,
               "manifest_sha256");
}

TEST(Exchange, RepliesComeBackAsTheyWere) {
  const ExchangeReply reply = some_reply();
  const auto read = value_of(parse_reply(write_reply(reply)));
  EXPECT_EQ(read.evidence.kind, EvidenceKind::kTpm);
  EXPECT_EQ(read.evidence.report, reply.evidence.report);
  ASSERT_EQ(read.evidence.parts.size(), 1U);
  EXPECT_EQ(read.evidence.parts[0].name, "tpm_pcrs");
  EXPECT_EQ(read.evidence.parts[0].bytes, reply.evidence.parts[0].bytes);
  ASSERT_EQ(read.endorsements.blobs.size(), 1U);
  EXPECT_EQ(read.endorsements.blobs[0].bytes, reply.endorsements.blobs[0].bytes);
  EXPECT_EQ(read.statement_json, reply.statement_json);
  EXPECT_EQ(read.manifest_json, reply.manifest_json);
  EXPECT_EQ(read.manifest_signature, "");
  EXPECT_EQ(read.files, reply.files);
}

TEST(Exchange, StrangeRepliesAreRefused) {
  const std::string good = write_reply(some_reply());
  const std::pair<std::string, const char*> cases[] = {
      {"", "JSON"},
      {"[]", "object"},
      {std::string(100'000, '['), "nested too deep"},
      {edited(good, "\"tpm\"", "\"magic\""), "kind"},
      {edited(good, "\"AQA=\"", "\"AQA\""), "base64"},
      {edited(good, "\"AQA=\"", "\"AQB=\""), "base64"},
      {edited(good, "\"AQA=\"", "\"A QA=\""), "base64"},
      {edited(good, "\"plan.json\"", "\"labels.txt\""), "file 'labels.txt' is given twice"},
      {edited(good, "\"files\"", "\"more\": 1, \"files\""), "more"},
  };
  for (const auto& [json, part] : cases) {
    SCOPED_TRACE(json.substr(0, 300));
    expect_error(parse_reply(json), Kind::kInvalid, part);
  }
  expect_error(parse_reply(edited(good, "attestation/1", "attestation/9")), Kind::kUnsupported,
               "schema");
}

TEST(Exchange, EmptyPartsComeBackAsTheyWere) {
  ExchangeReply reply{.evidence = {.kind = EvidenceKind::kTpm, .parts = {{"tpm_pcrs", {}}}},
                      .statement_json = "{}",
                      .manifest_json = "{}",
                      .files = {{"labels.txt", ""}}};
  const auto read = parse_reply(write_reply(reply));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->files, reply.files);
  EXPECT_TRUE(read->evidence.report.empty());
  EXPECT_TRUE(read->evidence.parts.at(0).bytes.empty());
}

}  // namespace
}  // namespace cloister::attest
