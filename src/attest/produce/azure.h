// SEV-SNP under Azure's paravisor: its report of the hardware out of the vTPM's memory, and the
// vTPM's quote.
#pragma once

#include <chrono>

#include "attest/produce/attester.h"

namespace cloister::attest {

// How long the paravisor is given to have its report made anew. It says nothing when it has; three
// seconds are what others wait.
struct AzureWait {
  std::chrono::milliseconds limit{5000};
  std::chrono::milliseconds between{250};
};

// `tcti` as tpm2-tss names it. kNotFound where the vTPM holds no report of a paravisor;
// kUnsupported for TDX, whose quote a service of Azure's makes, out of this process's reach.
Result<std::unique_ptr<Attester>> make_azure(const std::string& tcti, const AzureWait& wait = {});

}  // namespace cloister::attest
