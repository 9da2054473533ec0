// The whole verifier of Azure's evidence under vendors of our own: no HCL report or runtime data
// crash it, and the hardware must vouch for what they say. The first byte says what the rest is: 0
// and 1 an HCL report (SNP, TDX), 2 and 3 runtime data that the hardware vouches for.
#include "attest/azure_hcl.h"
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Case snp = AzureWorld(true).make();
  static const Case tdx = AzureWorld(false).make();
  static AzureWorld changing[] = {AzureWorld(true), AzureWorld(false)};
  if (size == 0 || size > 32768) return 0;
  const auto rest = copy_of(input_bytes(data + 1, size - 1));
  const int what = data[0] % 4;
  Case c = what % 2 == 0 ? snp : tdx;
  if (what < 2) {
    c.evidence.report = rest;
  } else {
    AzureWorld& world = changing[what % 2];
    world.runtime_data = std::string(cloister::as_text(rest));
    c = world.make();
  }
  const Verdict verdict = checked_verdict(c);
  if (!verdict.trusted) return 0;
  const auto hcl = parse_hcl_report(c.evidence.report);
  require(hcl && verdict.claims.report_data == hcl_report_data(hcl->runtime_data));
  require(verdict.claims.snp || verdict.claims.tdx);
  return 0;
}
