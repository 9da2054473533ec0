#include "attest/policy.h"

#include <gmock/gmock.h>

#include "tests/attest/tpm_world.h"

namespace cloister::attest {
namespace {

using testing::HasSubstr;

std::string digits(size_t count) {
  return std::string(count, 'a');
}

std::string snp(const std::string& more = "") {
  return fmt::format(
      R"({{"snp": {{"measurements": ["{}"],)"
      R"( "min_tcb": {{"milan": {{"bootloader": 4, "tee": 0, "snp": 24, "microcode": 219}}}}{}}}}})",
      digits(96), more);
}

std::string refusal(const std::string& json) {
  const auto policy = parse_policy(json);
  return policy ? "accepted" : policy.error().message;
}

TEST(TeePolicy, DefaultsAreStrict) {
  const auto policy = parse_policy(snp());
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_FALSE(policy->tdx || policy->sgx || policy->tpm || policy->azure_snp || policy->azure_tdx);
  EXPECT_FALSE(policy->accept_simulated);
  EXPECT_EQ(policy->snp->vmpl, 0u);
  EXPECT_FALSE(policy->snp->accept_version_2 || policy->snp->accept_vlek);
  EXPECT_FALSE(policy->snp->accept_without_crl || policy->snp->accept_migration_agent);
  EXPECT_THAT(policy->snp->platform_info, testing::ElementsAre(PlatformBit::kAliasCheck));
  EXPECT_EQ(policy->snp->min_tcb.milan->microcode, 219u);
  const TdxPolicy tdx;
  EXPECT_THAT(tdx.required_attributes, testing::ElementsAre(TdAttribute::kSeptVeDisable));
  EXPECT_EQ(tdx.platform.min_tcb_evaluation_data_number, 18u);
  EXPECT_TRUE(tdx.platform.tcb.empty());
}

TEST(TeePolicy, WhatIsMissingIsNamed) {
  EXPECT_EQ(refusal("{}"), "tee: no kind of evidence is accepted");
  EXPECT_THAT(refusal(R"({"snp": {}})"), HasSubstr("tee.snp.measurements: missing"));
  EXPECT_THAT(refusal(R"({"snp": {"measurements": [")" + digits(96) + R"("]}})"),
              HasSubstr("tee.snp.min_tcb: missing, want"));
  EXPECT_THAT(refusal(R"({"snp": {"measurements": [")" + digits(96) +
                      R"("], "min_tcb": {"turin": {"bootloader": 1}}}})"),
              HasSubstr("tee.snp.min_tcb.turin.fmc: missing"));
  EXPECT_THAT(refusal(R"({"snp": {"measurements": [")" + digits(96) +
                      R"("], "min_tcb": {"milan": {"fmc": 1}}}})"),
              HasSubstr("snp.min_tcb.milan.fmc: 1, but only Turin has one"));
  EXPECT_THAT(refusal(snp(R"(, "accept_vlek": true)")),
              HasSubstr("tee.snp.csp_ids: missing, want"));
  EXPECT_EQ(refusal(snp(R"(, "accept_vlek": true, "csp_ids": ["CN=cloud"])")), "accepted");
  EXPECT_THAT(refusal(R"({"tdx": {}})"), HasSubstr("tdx.measurements"));
  EXPECT_THAT(refusal(R"({"tdx": {"measurements": [{"mrtd": ")" + digits(96) + R"("}]}})"),
              HasSubstr("tee.tdx.measurements[0].rtmr0: missing"));
  EXPECT_THAT(refusal(R"({"tdx": {"measurements": [{"mrtd": "any"}]}})"),
              HasSubstr("tee.tdx.measurements[0].mrtd: missing"));
  EXPECT_THAT(refusal(R"({"sgx": {}})"), HasSubstr("sgx.mr_enclaves"));
  EXPECT_THAT(refusal(R"({"sgx": {"signers": [{"mr_signer": ")" + digits(64) + R"("}]}})"),
              HasSubstr("sgx.signers[0].isv_prod_id"));
  EXPECT_THAT(refusal(R"({"tpm": {}})"), HasSubstr("tpm.ak_names"));
  EXPECT_THAT(refusal(R"({"tpm": {"ak_names": [")" + digits(68) + R"("]}})"),
              HasSubstr("tee.tpm.pcrs: missing, want"));
  EXPECT_THAT(refusal(R"({"azure_snp": {}})"), HasSubstr("azure_snp.hardware.measurements"));
  EXPECT_THAT(refusal(R"({"azure_tdx": {}})"), HasSubstr("azure_tdx.hardware.measurements"));
}

TEST(TeePolicy, WhatIsWrongIsNamed) {
  EXPECT_THAT(refusal(snp(R"(, "debug": true)")), HasSubstr("snp: unknown key 'debug'"));
  EXPECT_THAT(refusal(snp(R"(, "min_guest_svn": 1)")),
              HasSubstr("snp.min_guest_svn: 1 means nothing without"));
  const std::string key = "\"" + digits(96) + "\"";
  EXPECT_EQ(refusal(snp(R"(, "min_guest_svn": 1, "id_key_digests": [)" + key + "]")), "accepted");
  EXPECT_THAT(refusal(snp(R"(, "vmpl": 4)")), HasSubstr("snp.vmpl: 4"));
  EXPECT_THAT(refusal(snp(R"(, "chip_ids": ["12"])")), HasSubstr("snp.chip_ids[0]: 2 letters"));
  EXPECT_THAT(refusal(snp(R"(, "platform_info": ["debug"])")), HasSubstr("snp.platform_info[0]"));
  EXPECT_THAT(refusal(snp(R"(, "vmpl": 0, "vmpl": 0)")), HasSubstr("twice"));
  const std::string tdx = R"({"tdx": {"measurements": [{"mrtd": ")" + digits(96) +
                          R"(", "rtmr0": "any", "rtmr1": "any", "rtmr2": "any", "rtmr3": "any"}])";
  EXPECT_EQ(refusal(tdx + "}}"), "accepted");
  EXPECT_THAT(refusal(tdx + R"(, "platform": {"tcb": [{"status": "Revoked"}]}}})"),
              HasSubstr("tdx.platform.tcb[0].status: 'Revoked' can't be accepted"));
  EXPECT_THAT(refusal(tdx + R"(, "platform": {"tcb": [{"status": "Fine"}]}}})"),
              HasSubstr("tdx.platform.tcb[0].status: 'Fine'"));
  EXPECT_THAT(refusal(tdx + R"(, "required_attributes": ["debug"]}})"), HasSubstr("'debug'"));
}

TEST(TeePolicy, IsWrittenAndReadUnchanged) {
  using namespace test;
  Policy all;
  all.snp = SnpWorld(SnpProduct::kTurin).make().policy.snp;
  all.tdx = DcapWorld(true).make().policy.tdx;
  all.tdx->measurements[0].rtmr3 = {{}, true};
  all.tdx->platform.tcb = {{TcbStatus::kSwHardeningNeeded, {"INTEL-SA-00615"}}};
  all.sgx = DcapWorld(false).make().policy.sgx;
  all.sgx->signers = {{filler<32>("signer"), 1, 2}};
  all.tpm = TpmWorld().make().policy.tpm;
  all.azure_snp = AzureWorld(true).make().policy.azure_snp;
  all.azure_tdx = AzureWorld(false).make().policy.azure_tdx;
  all.accept_simulated = true;
  const std::string json = policy_json(all);
  const auto read = parse_policy(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(policy_json(*read), json);
  EXPECT_TRUE(read->tdx->measurements[0].rtmr3.any);
  EXPECT_EQ(read->snp->min_tcb.turin->fmc, 1u);
}

}  // namespace
}  // namespace cloister::attest
