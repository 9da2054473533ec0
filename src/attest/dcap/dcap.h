// The part that TDX and SGX quotes share: is it signed by a genuine platform of Intel's, at a TCB
// that the policy accepts? The steps are those of Intel's quote verification library.
#pragma once

#include "attest/context.h"
#include "attest/dcap/quote.h"
#include "attest/policy.h"

namespace cloister::attest {

struct DcapQuestion {
  Bytes quote;
  bool tdx = false;
  const DcapPolicy& policy;
  std::string field;  // what the policy is called, "tdx.platform"
};

// The checks, in order; "dcap.module" is TDX's.
std::span<const std::string_view> dcap_checks();

// Judges them all and fills in claims.dcap. The quote, if it is one of that TEE.
std::optional<DcapQuote> verify_dcap(Context& context, const DcapQuestion& question);

}  // namespace cloister::attest
