// The certificates that verification ends at. A parameter of the verifiers, so that every check can
// be tested under test roots.
#pragma once

#include <string>
#include <vector>

#include "attest/words.h"

namespace cloister::attest {

struct AmdRoot {
  SnpProduct product;
  std::string certificate;  // the ARK, PEM or DER
};

struct Roots {
  std::vector<AmdRoot> amd;
  std::string intel;  // "Intel SGX Root CA", PEM or DER
};

// AMD's root keys for Milan, Genoa and Turin, and Intel's SGX root: src/attest/roots. Thread-safe.
const Roots& vendor_roots();

}  // namespace cloister::attest
