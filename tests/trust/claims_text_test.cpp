#include "trust/claims_text.h"

#include <gmock/gmock.h>

#include "attest/verify/kinds.h"
#include "tests/attest/dcap_world.h"
#include "tests/attest/every_kind.h"
#include "tests/attest/snp_world.h"
#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

std::string value_of_line(const std::vector<ClaimLine>& lines, const std::string& name) {
  for (const ClaimLine& line : lines) {
    if (line.name == name) return line.value;
  }
  return "(none)";
}

TEST(ClaimsText, OfEachKind) {
  const Claims snp = SnpWorld().make().verify().claims;
  EXPECT_EQ(value_of_line(claim_lines(snp), "kind"), "snp");
  EXPECT_EQ(value_of_line(claim_lines(snp), "protects"), "tee");
  EXPECT_EQ(value_of_line(claim_lines(snp), "measurement"), to_string(snp.snp->measurement));
  EXPECT_EQ(value_of_line(claim_lines(snp), "reported_tcb"),
            "bootloader 4, tee 1, snp 24, microcode 217");
  const Claims tdx = DcapWorld().make().verify().claims;
  EXPECT_EQ(value_of_line(claim_lines(tdx), "mrtd"), to_string(tdx.tdx->mrtd));
  EXPECT_EQ(value_of_line(claim_lines(tdx), "tcb_status"), "UpToDate");
  const Claims tpm = TpmWorld().make().verify().claims;
  EXPECT_EQ(value_of_line(claim_lines(tpm), "ak_name"), to_string(tpm.tpm->ak_name));
  EXPECT_EQ(value_of_line(claim_lines(tpm), "protects"), "tpm");
}

// The row of a kind names lines that claims of that kind have.
TEST(ClaimsText, EachKindHasAnIdentity) {
  for (const EvidenceKind kind : kEvidenceKinds) {
    const Claims claims = example_of(kind).verify().claims;
    const auto identity = find_verifier(kind)->identity;
    EXPECT_FALSE(identity.empty()) << to_string(kind);
    const std::vector<ClaimLine> lines = identity_lines(claims);
    for (std::string_view name : identity) {
      if (name.ends_with('*')) name.remove_suffix(1);
      EXPECT_TRUE(std::ranges::any_of(
          lines, [&](const ClaimLine& line) { return line.name.starts_with(name); }))
          << to_string(kind) << " has no line " << name;
    }
    EXPECT_LT(lines.size(), claim_lines(claims).size());
  }
}

TEST(ClaimsText, IdentityIsShort) {
  const auto names = [](EvidenceKind kind) {
    std::string text;
    for (const ClaimLine& line : identity_lines(example_of(kind).verify().claims)) {
      text += line.name + " ";
    }
    return text;
  };
  EXPECT_EQ(names(EvidenceKind::kSnp), "measurement chip_id ");
  EXPECT_EQ(names(EvidenceKind::kTdx), "ppid mrtd rtmr0 rtmr1 rtmr2 rtmr3 ");
  EXPECT_EQ(names(EvidenceKind::kSgx), "ppid mr_enclave mr_signer ");
  EXPECT_EQ(names(EvidenceKind::kTpm), "ak_name pcr0 pcr4 pcr7 pcr11 ");
  EXPECT_EQ(names(EvidenceKind::kAzureSnp), "measurement chip_id pcr0 pcr4 pcr7 pcr11 ");
  EXPECT_EQ(names(EvidenceKind::kSimulated), "measurement ");
  EXPECT_TRUE(identity_lines({}).empty());
}

}  // namespace
}  // namespace cloister::attest::test
