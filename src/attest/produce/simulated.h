#pragma once

#include "attest/produce/attester.h"

namespace cloister::attest {

// A producer of simulated evidence, which needs nothing. `why` there is no better one, for
// source(): may be empty.
std::unique_ptr<Attester> simulated_attester(std::string why = "");

}  // namespace cloister::attest
