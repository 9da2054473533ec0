// The whole verifier of Azure's evidence under vendors of our own: no HCL report or runtime data
// crash it, and the hardware must vouch for what they say. The first byte says what the rest is: 0
// and 1 an HCL report (SNP, TDX), 2 and 3 runtime data that the hardware vouches for.
#include "attest/azure/hcl.h"
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

namespace {

// Makes the hardware report over this runtime data.
void vouch(AzureWorld& world, std::string_view runtime_data, Case& c) {
  world.runtime_data = std::string(runtime_data);
  const Fixed<64> report_data = hcl_report_data(runtime_data);
  if (world.snp) {
    std::vector<std::byte> report = world.amd.report;
    set(report, kReportDataAt, report_data.view());
    c.evidence.report = world.make_hcl(world.amd.signed_report(report));
  } else {
    set(world.intel.body, kTdReportDataAt, report_data.view());
    c.evidence.report = world.make_hcl(std::vector<std::byte>(1024));
    blob(c.evidence.parts, kTdQuote) = world.intel.make_quote();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static AzureWorld snp_world(true);
  static AzureWorld tdx_world(false);
  static const Case snp = snp_world.make();
  static const Case tdx = tdx_world.make();
  if (size == 0 || size > 32768) return 0;
  const auto rest = copy_of(input_bytes(data + 1, size - 1));
  const int what = data[0] % 4;
  Case c = what % 2 == 0 ? snp : tdx;
  if (what < 2) {
    c.evidence.report = rest;
  } else {
    vouch(what == 2 ? snp_world : tdx_world, cloister::as_text(rest), c);
  }
  const Verdict verdict = checked_verdict(c);
  if (!verdict.trusted) return 0;
  const auto hcl = parse_hcl_report(c.evidence.report);
  require(hcl && verdict.claims.report_data == hcl_report_data(hcl->runtime_data));
  require(verdict.claims.snp || verdict.claims.tdx);
  return 0;
}
