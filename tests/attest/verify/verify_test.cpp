#include "attest/verify/verify.h"

#include <openssl/err.h>

#include "tests/attest/every_kind.h"
#include "tests/attest/expect.h"
#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

using testing::HasSubstr;

TEST(Verify, SimulatedIsLabelledAndAcceptedOnRequestOnly) {
  Case c = example_of(EvidenceKind::kSimulated);
  expect_trusted(c);
  const Verdict verdict = c.verify();
  EXPECT_EQ(verdict.kind, EvidenceKind::kSimulated);
  EXPECT_EQ(kind_class(verdict.kind), "simulated");
  EXPECT_THAT(find_check(verdict, "simulated.report").found, HasSubstr("SIMULATED"));
  EXPECT_EQ(verdict.claims.simulated_measurement, filler<48>("measurement"));
  c.policy.accept_simulated = false;
  expect_fails(c, "policy.kind", "simulated", "accept_simulated");
  c.policy = SnpWorld().make().policy;
  expect_fails(c, "policy.kind");
  c = example_of(EvidenceKind::kSimulated);
  c.expected.report_data = filler<64>("another");
  expect_fails(c, "simulated.report_data");
  c.expected.report_data.reset();
  expect_fails(c, "simulated.report_data");
  c.evidence.report.push_back({});
  expect_fails(c, "simulated.report", "1 bytes after it");
  c.evidence.report.clear();
  expect_fails(c, "simulated.report");
}

TEST(Verify, EvidenceHasAForm) {
  Case c = SnpWorld().make();
  c.evidence.parts.push_back({"tpm_quote", {}});
  expect_fails(c, "evidence.form", "'tpm_quote', want none");
  c = SnpWorld().make();
  c.endorsements.blobs.push_back({"tcb_info", {}});
  expect_fails(c, "evidence.form", "'tcb_info', want vek, intermediate, amd_crl");
  c = SnpWorld().make();
  c.endorsements.blobs.push_back(c.endorsements.blobs[0]);
  expect_fails(c, "evidence.form", "'vek' occurs twice");
  c = SnpWorld().make();
  c.evidence.report.resize(kMaxEvidenceBytes + 1);
  expect_fails(c, "evidence.form", "want at most 65536");
  c = DcapWorld().make();
  blob(c.endorsements.blobs, kTcbInfo).resize(kMaxEndorsementBytes);
  expect_fails(c, "evidence.form", "at most 262144");
  c.evidence.kind = static_cast<EvidenceKind>(99);
  expect_fails(c, "evidence.form, policy.kind", "kind 99");
}

TEST(Verify, AllKindsOfChecksAreListedWhateverHappens) {
  const Case good = SnpWorld().make();
  Case bad = good;
  bad.evidence.report.clear();
  const Verdict a = good.verify();
  const Verdict b = bad.verify();
  ASSERT_EQ(a.checks.size(), b.checks.size());
  for (size_t i = 0; i < a.checks.size(); ++i) {
    EXPECT_EQ(a.checks[i].id, b.checks[i].id);
    EXPECT_NE(a.checks[i].outcome, Outcome::kFail);
    EXPECT_FALSE(b.checks[i].why.empty());
  }
}

TEST(Verify, ClaimsAreOfTrustedVerdictsOnly) {
  Case c = SnpWorld().make();
  EXPECT_TRUE(VerifiedClaims::of(c.verify()));
  ++*c.policy.snp->min_tcb.milan->microcode;
  const auto refused = VerifiedClaims::of(c.verify());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kRefused);
  EXPECT_EQ(refused.error().message,
            "snp.min_tcb: reported microcode 217, want at least 218 "
            "(policy: snp.min_tcb.milan.microcode)");
  EXPECT_FALSE(VerifiedClaims::of(Verdict{}));
}

TEST(Verify, LeavesOpenSslsErrorsAsTheyWere) {
  ERR_clear_error();
  Case c = SnpWorld().make();
  blob(c.endorsements.blobs, kVek).pop_back();
  EXPECT_FALSE(c.verify().trusted);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Verify, AnEmptyQuestionIsRefused) {
  for (uint8_t kind = 0; kind < 10; ++kind) {
    Evidence evidence;
    evidence.kind = static_cast<EvidenceKind>(kind);
    EXPECT_FALSE(verify(evidence, {}, {}, {}, {}).trusted);
  }
}

}  // namespace
}  // namespace cloister::attest::test
