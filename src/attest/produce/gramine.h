// SGX quotes through Gramine's /dev/attestation.
#pragma once

#include "attest/produce/attester.h"

namespace cloister::attest {

// `folder` is /dev/attestation. kNotFound outside of Gramine, and where its manifest asks for no
// remote attestation; kUnsupported for attestation of another type than DCAP's.
Result<std::unique_ptr<Attester>> make_gramine(const std::filesystem::path& folder);

}  // namespace cloister::attest
