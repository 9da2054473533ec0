// Paravisors of our own: each check is broken alone.
#include "attest/azure/azure.h"

#include "tests/attest/expect.h"
#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

template <typename Change>
Case azure_with(bool snp, const Change& change) {
  AzureWorld world(snp);
  change(world);
  return world.make();
}

void replace(std::string& text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  ASSERT_NE(at, std::string::npos) << what;
  text.replace(at, what.size(), by);
}

TEST(Azure, BothAreTrusted) {
  expect_trusted(AzureWorld(true).make());
  expect_trusted(AzureWorld(false).make());
}

TEST(Azure, Report) {
  for (const bool snp : {true, false}) {
    const auto changed = [&](size_t offset, uint8_t value) {
      Case c = AzureWorld(snp).make();
      set_little(c.evidence.report, offset, value);
      return c;
    };
    expect_fails(changed(0, 'h'), "azure.report", "HCLA");
    expect_fails(changed(4, 3), "azure.report", "version 3");
    expect_fails(changed(1216 + 8, snp ? 4 : 2), "azure.report", snp ? "a report of TDX" : "SNP");
    expect_fails(changed(1216 + 8, 5), "azure.report", "report type 5");
    expect_fails(changed(1216 + 12, 2), "azure.report", "hash type 2");
    expect_fails(changed(1216 + 18, 1), "azure.report", "runtime data of");
    expect_fails(changed(2599, 1), "azure.report", "not all zero");
  }
}

TEST(Azure, RuntimeData) {
  const auto changed = [](std::string_view what, std::string_view by) {
    return azure_with(true, [&](AzureWorld& w) { replace(w.runtime_data, what, by); });
  };
  const std::string check = "azure.runtime_data";
  expect_fails(changed("HCLAkPub", "HCLZkPub"), check, "no key 'HCLAkPub'");
  expect_fails(changed("HCLEkPub", "HCLAkPub"), check, "");
  expect_fails(changed("\"RSA\"", "\"EC\""), check, "kty 'EC'");
  expect_fails(changed("\"keys\":", "\"keys\":[],\"keys\":"), check, "twice");
  expect_fails(changed("\"user-data\":\"", "\"user-data\":\"00"), check, "user-data");
}

TEST(Azure, TheHardwareVouchesForTheKey) {
  for (const bool snp : {true, false}) {
    const std::string check = snp ? "snp.report_data" : "tdx.report_data";
    expect_fails(azure_with(snp, [](AzureWorld& w) { w.bind = false; }), check);
    // Runtime data exchanged for those of another machine.
    Case c = AzureWorld(snp).make();
    Case other = azure_with(snp, [](AzureWorld& w) {
      replace(w.runtime_data, "\"secure-boot\":true", "\"secure-boot\":null");
    });
    std::copy(other.evidence.report.begin() + 1216, other.evidence.report.end(),
              c.evidence.report.begin() + 1216);
    expect_fails(c, check);
  }
}

TEST(Azure, UserData) {
  for (const bool snp : {true, false}) {
    Case c = azure_with(snp, [](AzureWorld& w) {
      const std::string old = to_string(filler<32>("binder"));
      replace(w.runtime_data, old, std::string(64, '1'));
    });
    const std::string field =
        std::string(snp ? "azure_snp" : "azure_tdx") + ".accept_stale_hardware_report";
    expect_fails(c, "azure.user_data", "1111", field);
    if (snp) {
      c.policy.azure_snp->accept_stale_hardware_report = true;
    } else {
      c.policy.azure_tdx->accept_stale_hardware_report = true;
    }
    expect_trusted(c);
  }
}

TEST(Azure, Quote) {
  for (const bool snp : {true, false}) {
    Case c = AzureWorld(snp).make();
    blob(c.evidence.parts, kTpmSignature)[0] ^= std::byte{1};
    expect_fails(c, "tpm.signature", "bad signature");
    c = AzureWorld(snp).make();
    auto& pcrs = snp ? c.policy.azure_snp->pcrs : c.policy.azure_tdx->pcrs;
    pcrs[0].values = {Fixed<32>{}};
    expect_fails(c, "tpm.pcrs", "PCR 0 is",
                 std::string(snp ? "azure_snp" : "azure_tdx") + ".pcrs[0].values");
    remove_blob(c.evidence.parts, kTpmQuote);
    expect_fails(c, "tpm.quote");
  }
  Case c = AzureWorld(true).make();
  c.expected.qualifying_data[0] ^= std::byte{1};
  expect_fails(c, "azure.user_data, tpm.nonce");
}

TEST(Azure, Hardware) {
  Case snp = AzureWorld(true).make();
  ++*snp.policy.azure_snp->hardware.min_tcb.milan->microcode;
  expect_fails(snp, "snp.min_tcb", "microcode 217", "azure_snp.hardware.min_tcb.milan.microcode");
  Case tdx = AzureWorld(false).make();
  tdx.policy.azure_tdx->hardware.measurements[0].rtmr1.value = Fixed<48>{};
  expect_fails(tdx, "tdx.measurement", "", "azure_tdx.hardware.measurements[0].rtmr1");
  remove_blob(tdx.evidence.parts, kTdQuote);
  expect_fails(tdx, "dcap.quote");
}

TEST(Azure, APolicyForBareHardwareDoesNotAcceptIt) {
  for (const bool snp : {true, false}) {
    Case c = AzureWorld(snp).make();
    const Policy policy = c.policy;
    c.policy = {};
    if (snp) {
      c.policy.snp = policy.azure_snp->hardware;
    } else {
      c.policy.tdx = policy.azure_tdx->hardware;
    }
    expect_kind_refused(c, "azure_");
  }
}

}  // namespace
}  // namespace cloister::attest::test
