// What interfaces give, put together once it is clear that it is over what was asked for: an answer
// to somebody else's question must not leave the server as its own. Signatures are the client's to
// check.
#pragma once

#include "attest/produce/attester.h"

namespace cloister::attest {

// kInvalid where it is malformed, of another kind, or over other report data.

// `table`: the host's certificates (certificate_table.h).
Result<AttestedEvidence> snp_shown(std::vector<std::byte> report, Bytes table,
                                   const Fixed<64>& report_data);
Result<AttestedEvidence> tdx_shown(std::vector<std::byte> quote, const Fixed<64>& report_data);
Result<AttestedEvidence> sgx_shown(std::vector<std::byte> quote, const Fixed<64>& report_data);

}  // namespace cloister::attest
