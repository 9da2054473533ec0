// Quotes of a TPM: measured boot. It protects no memory, so it is used only where it is named.
#pragma once

#include "attest/produce/attester.h"

namespace cloister::attest {

// `tcti` as tpm2-tss names it. Makes the attestation key once, to see that it can: source() tells
// the key's name, which is what policies list. Fails as produce() does.
Result<std::unique_ptr<Attester>> make_tpm(const std::string& tcti);

}  // namespace cloister::attest
