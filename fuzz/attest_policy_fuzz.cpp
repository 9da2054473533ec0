// A trust policy, and its "tee" part alone: no input crashes it, what it accepts is written and
// read unchanged, and accepts no evidence without reports.
#include <cstdlib>

#include "trust/appraise.h"

using namespace cloister::attest;

namespace {

void try_whole(std::string_view text) {
  const auto policy = parse_trust_policy(text);
  if (!policy) return;
  const std::string json = policy_json(*policy);
  const auto again = parse_trust_policy(json);
  if (!again || policy_json(*again) != json) std::abort();
  if (appraise({}, *policy, {}).trusted) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_whole(text);
  const auto policy = parse_policy(text);
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
