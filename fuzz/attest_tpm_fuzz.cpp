// The whole TPM verifier with TPMs of our own: no quote, signature or key crashes it, and what it
// trusts is what the policy asks for. The first byte says what the rest is: 0 a quote, 1 a quote to
// be signed, 2 a signature, 3 a public key whose name the policy has, 4 PCR values.
#include "attest/tpm/quote.h"
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TpmWorld world;
  static const Case good = world.make();
  if (size == 0) return 0;
  const auto rest = copy_of(input_bytes(data + 1, size - 1));
  Case c = good;
  switch (data[0] % 5) {
    case 0:
      c.evidence.report = rest;
      break;
    case 1:
      c.evidence.report = rest;
      blob(c.evidence.parts, kTpmSignature) = world.sign(rest);
      break;
    case 2:
      blob(c.evidence.parts, kTpmSignature) = rest;
      break;
    case 3:
      blob(c.evidence.parts, kTpmPublic) = rest;
      if (const auto parsed = parse_tpm_public(rest)) c.policy.tpm->ak_names = {parsed->name};
      break;
    case 4:
      blob(c.evidence.parts, kTpmPcrs) = rest;
      break;
  }
  const Verdict verdict = checked_verdict(c);
  if (!verdict.trusted) return 0;
  require(kind_class(verdict.kind) == "tpm");
  for (const PcrValues& want : world.policy()) {
    bool found = false;
    for (const auto& [index, value] : verdict.claims.tpm->pcrs) {
      found = found || (index == want.index && value == want.values[0]);
    }
    require(found);
  }
  return 0;
}
