// The "tee" part of a trust policy: no input crashes it, what it accepts is written and read
// unchanged, and accepts no evidence without reports.
#include <cstdlib>

#include "attest/verify.h"

using namespace cloister::attest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto policy = parse_policy({reinterpret_cast<const char*>(data), size});
  if (!policy) return 0;
  const std::string json = policy_json(*policy);
  const auto again = parse_policy(json);
  if (!again || policy_json(*again) != json) std::abort();
  for (uint8_t kind = 1; kind < 8; ++kind) {
    Evidence evidence;
    evidence.kind = static_cast<EvidenceKind>(kind);
    if (verify(evidence, {}, *policy, {}, {}).trusted) std::abort();
  }
  return 0;
}
