// Intel SGX: verifies a quote of an enclave against a policy.
#pragma once

#include "attest/context.h"
#include "attest/policy.h"

namespace cloister::attest {

struct SgxQuestion {
  Bytes quote;
  const SgxPolicy& policy;
  std::optional<Fixed<64>> report_data;  // expected; nothing: refused
};

// The checks that follow dcap_checks(), in order.
std::span<const std::string_view> sgx_checks();

// Judges both lists and fills in claims.dcap, claims.sgx and claims.report_data.
void verify_sgx(Context& context, const SgxQuestion& question);

}  // namespace cloister::attest
