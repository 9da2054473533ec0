// VCEK and VLEK certificates: the key that signs SEV-SNP reports, and for which chip and firmware
// it was derived ("VCEK certificate and KDS interface specification", X.509 extensions).
#pragma once

#include "attest/chain.h"
#include "attest/claims.h"

namespace cloister::attest {

struct VekExtensions {
  SnpProduct product = SnpProduct::kMilan;
  SnpTcb tcb;                   // that the key was derived for
  std::vector<std::byte> hwid;  // of a VCEK: 64 bytes, on Turin 8
  std::string csp;              // of a VLEK
};

// Of a certificate whose chain need not have been checked. kInvalid naming the extension.
Result<VekExtensions> vek_extensions(const X509* certificate);

}  // namespace cloister::attest
