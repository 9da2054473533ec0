#include "trust/claims_text.h"

#include <gmock/gmock.h>

#include "tests/attest/dcap_world.h"
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

}  // namespace
}  // namespace cloister::attest::test
