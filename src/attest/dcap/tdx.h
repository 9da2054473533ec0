// Intel TDX: verifies a quote of a TD against a policy.
#pragma once

#include "attest/context.h"
#include "attest/policy.h"

namespace cloister::attest {

struct TdxQuestion {
  Bytes quote;
  const TdxPolicy& policy;
  std::string field;                     // what the policy is called, "tdx"
  std::optional<Fixed<64>> report_data;  // expected; nothing: refused
};

// The checks that follow dcap_checks(), in order.
std::span<const std::string_view> tdx_checks();

// Judges both lists and fills in claims.dcap, claims.tdx and claims.report_data.
void verify_tdx(Context& context, const TdxQuestion& question);

}  // namespace cloister::attest
