#include "trust/trust_policy.h"

#include <gmock/gmock.h>

#include "tests/support/temp_dir.h"

namespace cloister::attest {
namespace {

using testing::HasSubstr;

constexpr const char* kKey = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

std::string policy(const std::string& tee, const std::string& bundle, const std::string& audit,
                   const std::string& more = "") {
  return fmt::format(
      R"({{"schema": "cloister/trust-policy/1", "tee": {}, "bundle": {}, "audit": {}{}}})", tee,
      bundle, audit, more);
}

const std::string kTee = R"({"accept_simulated": true})";
const std::string kBundle = fmt::format(R"({{"signers": ["{}"]}})", kKey);
const std::string kAudit = R"({"leakage": {"threshold": 0.25}})";

std::string refusal(const std::string& json) {
  const auto parsed = parse_trust_policy(json);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(TrustPolicy, LeakagePoliciesBeginWithTheDefaultsOfTheirMetric) {
  const auto parsed = parse_trust_policy(policy(kTee, kBundle, kAudit));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->audit.leakage->threshold, 0.25);
  EXPECT_EQ(parsed->audit.leakage->metric, audit::Metric::kSsim);
  EXPECT_EQ(parsed->audit.leakage->n_min, audit::default_policy(audit::Metric::kSsim).n_min);
  const auto rows =
      parse_trust_policy(policy(kTee, kBundle, R"({"leakage": {"metric": "row_match"}})"));
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->audit.leakage->attackers,
            audit::default_policy(audit::Metric::kRowMatch).attackers);
}

TEST(TrustPolicy, ThereAndBack) {
  const std::string json = policy_json(parse_trust_policy(policy(kTee, kBundle, kAudit)).value());
  EXPECT_EQ(policy_json(parse_trust_policy(json).value()), json);
}

TEST(TrustPolicy, WhatIsNotGivenAcceptsNothing) {
  EXPECT_EQ(refusal("{}"), "trust policy: no key 'schema'");
  EXPECT_EQ(refusal(R"({"schema": "cloister/trust-policy/1"})"),
            "trust policy: tee: no kind of evidence is accepted");
  EXPECT_THAT(refusal(policy(kTee, "{}", kAudit)), HasSubstr("bundle.signers: missing"));
  EXPECT_THAT(refusal(policy(kTee, kBundle, "{}")), HasSubstr("audit.leakage: missing"));
  const std::string pinned = fmt::format(R"({{"manifests": ["{}"]}})", std::string(64, 'a'));
  EXPECT_EQ(refusal(policy(kTee, pinned, R"({"accept_unaudited": true})")), "accepted");
  EXPECT_EQ(refusal(policy(kTee, R"({"accept_any_signer": true})", kAudit)), "accepted");
}

TEST(TrustPolicy, ErrorsNameTheLine) {
  const auto on_lines = [](const std::string& tee, const std::string& more) {
    return refusal(
        fmt::format("{{\n\"schema\": \"cloister/trust-policy/1\",\n\"tee\":\n{}{}\n}}", tee, more));
  };
  EXPECT_THAT(on_lines("{\"snp\":\n{\"vmpl\":\n9}}", ""),
              HasSubstr("trust policy: line 5: tee.snp.vmpl: 9"));
  EXPECT_THAT(on_lines("{\n\"snp\": {}}", ""),
              HasSubstr("trust policy: line 5: tee.snp.measurements: missing"));
  EXPECT_EQ(on_lines("{}", ""), "trust policy: line 3: tee: no kind of evidence is accepted");
  EXPECT_THAT(on_lines(kTee, ",\n\n\"bundle\": {}"),
              HasSubstr("trust policy: line 6: bundle.signers: missing"));
  EXPECT_THAT(on_lines(kTee, ",\n\"speed\": 1"), HasSubstr("unknown key 'speed'"));
  EXPECT_THAT(on_lines("{", ""), HasSubstr("trust policy: not JSON: "));
}

TEST(TrustPolicy, ContradictionsAreRefused) {
  EXPECT_THAT(
      refusal(policy(kTee, fmt::format(R"({{"signers": ["{}"], "accept_any_signer": true}})", kKey),
                     kAudit)),
      HasSubstr("bundle.accept_any_signer: true, but bundle.signers names some"));
  EXPECT_THAT(refusal(policy(kTee, kBundle,
                             R"({"leakage": {"threshold": 0.2}, "accept_unaudited": true})")),
              HasSubstr("audit.accept_unaudited: true, but audit.leakage requires an audit"));
}

TEST(TrustPolicy, ErrorsNameTheField) {
  const auto wrong = [](const std::string& json, const std::string& part) {
    EXPECT_THAT(refusal(json), HasSubstr(part)) << json;
  };
  wrong(policy(R"({"snp": {}})", kBundle, kAudit), "tee.snp.measurements: missing");
  wrong(policy(kTee, R"({"signers": ["RW"]})", kAudit), "bundle.signers[0]");
  wrong(policy(kTee, R"({"signer": "x"})", kAudit), "bundle: unknown key 'signer', want signers");
  wrong(policy(kTee, kBundle, R"({"leakage": {"treshold": 1}})"),
        "audit.leakage: unknown key 'treshold'");
  wrong(policy(kTee, kBundle, R"({"leakage": {"confidence": 0}})"), "audit.leakage: ");
  wrong(policy(kTee, kBundle, R"({"leakage": 3})"), "audit.leakage: 3");
  wrong(policy(kTee, kBundle, kAudit, R"(, "configs": ["abc"])"), "configs[0]");
  wrong(policy(kTee, kBundle, kAudit, R"(, "trust": 1)"), "trust");
  wrong(R"({"schema": "cloister/trust-policy/2"})", "cloister/trust-policy/2");
}

TEST(TrustPolicy, FilesAreNamedInErrors) {
  const cloister::test::TempDir folder;
  const fs::path path = folder.path() / "policy.json";
  ASSERT_TRUE(write_file(path, "{"));
  const auto read = read_trust_policy(path);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("policy.json': trust policy: "));
  EXPECT_EQ(read_trust_policy(folder.path() / "none").error().kind, Kind::kNotFound);
}

}  // namespace
}  // namespace cloister::attest
