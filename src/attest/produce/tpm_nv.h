// Non-volatile indexes of a TPM, by the owner's authorization.
#pragma once

#include "attest/produce/tpm_session.h"

namespace cloister::attest {

// The whole of it. kNotFound where there is no such index; kInvalid for more than `most` bytes.
Result<std::vector<std::byte>> read_nv(const TpmSession& session, uint32_t index, size_t most);

// From its beginning; where there is no such index, one is defined that holds just these bytes.
Result<> write_nv(const TpmSession& session, uint32_t index, Bytes bytes);

}  // namespace cloister::attest
