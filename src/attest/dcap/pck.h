// The SGX extension of a PCK certificate ("Intel SGX PCK Certificate and CRL Profile
// Specification"): which platform, at which TCB.
#pragma once

#include "attest/chain.h"
#include "attest/claims.h"

namespace cloister::attest {

struct PckExtension {
  Fixed<16> ppid;
  std::array<uint8_t, 16> svns{};  // SGX TCB components
  uint16_t pce_svn = 0;
  Fixed<16> cpu_svn;
  Fixed<2> pce_id;
  Fixed<6> fmspc;
  uint64_t sgx_type = 0;
  std::optional<Fixed<16>> platform_instance;
};

// kInvalid naming what is malformed, missing or there twice.
Result<PckExtension> pck_extension(const X509* certificate);

}  // namespace cloister::attest
