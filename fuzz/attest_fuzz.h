// What the fuzz targets of src/attest share: evidence of our own vendors, taken apart and put
// together again. Signatures are made anew after each change, so that inputs get past them.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {

inline Bytes input_bytes(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

inline std::vector<std::byte> copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// A verdict lists reasons for all that it refuses, and never changes when asked again.
inline Verdict checked_verdict(const Case& c) {
  Verdict verdict = c.verify();
  if (verdict.checks.empty()) std::abort();
  for (const Check& check : verdict.checks) {
    if (check.outcome != Outcome::kPass && check.why.empty()) std::abort();
    if (check.why == "never judged: a bug") std::abort();
    if (check.outcome == Outcome::kFail && verdict.trusted) std::abort();
  }
  if (VerifiedClaims::of(verdict).has_value() != verdict.trusted) std::abort();
  return verdict;
}

inline void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace cloister::attest::test
