// A question to the verifier, and reading its verdict.
#pragma once

#include "attest/verify/verify.h"

namespace cloister::attest::test {

struct Case {
  Evidence evidence;
  Endorsements endorsements;
  Policy policy;
  Expected expected;
  Time now;
  Roots roots = vendor_roots();

  Verdict verify() const {
    return attest::verify(evidence, endorsements, policy, expected, now, roots);
  }
};

// The blob of that name, for changing it; added where there is none.
std::vector<std::byte>& blob(std::vector<Blob>& blobs, std::string_view name);
void remove_blob(std::vector<Blob>& blobs, std::string_view name);

// "id, id" of the checks that failed.
std::string failed(const Verdict& verdict);
// Aborts where there is none.
const Check& find_check(const Verdict& verdict, std::string_view id);
// Every check, a line each.
std::string text_of(const Verdict& verdict);

}  // namespace cloister::attest::test
