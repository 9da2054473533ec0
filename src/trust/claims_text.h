// Claims in words, for people and for scripts.
#pragma once

#include "attest/claims.h"

namespace cloister::attest {

struct ClaimLine {
  std::string name;   // "measurement"; frozen, people's scripts know them
  std::string value;  // numbers in decimal, bytes in hexadecimal; safe to print
};

// What is known about the environment, in a fixed order. Of claims that are not trusted they are
// what the evidence says of itself. Thread-safe.
std::vector<ClaimLine> claim_lines(const Claims& claims);

// Those of them that say which program it is, and where it runs: for logs.
std::vector<ClaimLine> identity_lines(const Claims& claims);

}  // namespace cloister::attest
