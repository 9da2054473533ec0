// The whole SEV-SNP verifier under an AMD of our own: no report or certificate crashes it, and what
// it trusts is what the policy asks for. The first byte says what the rest is: 0 a report, 1 a
// report to be signed, 2 a VEK certificate, 3 an intermediate, 4 a revocation list.
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SnpWorld world(SnpProduct::kTurin);
  static const Case good = world.make();
  if (size == 0) return 0;
  const auto rest = copy_of(input_bytes(data + 1, size - 1));
  Case c = good;
  switch (data[0] % 5) {
    case 0:
      c.evidence.report = rest;
      break;
    case 1:
      c.evidence.report = world.signed_report(rest);
      break;
    case 2:
      blob(c.endorsements.blobs, kVek) = rest;
      break;
    case 3:
      blob(c.endorsements.blobs, kIntermediate) = rest;
      break;
    case 4:
      blob(c.endorsements.blobs, kAmdCrl) = rest;
      break;
  }
  const Verdict verdict = checked_verdict(c);
  if (!verdict.trusted) return 0;
  const SnpClaims& claims = *verdict.claims.snp;
  require(!claims.debug && !claims.migration_agent && claims.vmpl == 0 && claims.version >= 3);
  require(claims.measurement == filler<48>("measurement"));
  require(verdict.claims.report_data == filler<64>("report data"));
  require(claims.product == SnpProduct::kTurin && claims.reported_tcb.microcode >= 0x50);
  return 0;
}
