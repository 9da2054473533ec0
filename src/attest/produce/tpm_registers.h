// A quote of a TPM's registers, with the values that it is over.
#pragma once

#include "attest/produce/tpm_session.h"
#include "base/sha256.h"

namespace cloister::attest {

struct QuotedRegisters {
  std::vector<std::byte> quote;      // TPMS_ATTEST
  std::vector<std::byte> signature;  // TPMT_SIGNATURE
  std::vector<std::byte> values;     // SHA-256 values of those quoted, ascending index
};

// All registers (PCR 0 to 23) of the SHA-256 bank, signed with `scheme`. Registers may change
// between the quote and the reading of them: then both are made again. kUnavailable where they keep
// changing, kUnsupported for a TPM without that bank, otherwise as check_tpm().
Result<QuotedRegisters> quote_registers(const TpmSession& session, const TpmKey& key,
                                        const TPMT_SIG_SCHEME& scheme,
                                        const Digest& qualifying_data);

}  // namespace cloister::attest
