// SEV-SNP and TDX under Azure's paravisor: the hardware report measures the paravisor and names the
// vTPM's key, the vTPM's quote measures what runs above it and is made for the exchange.
#pragma once

#include "attest/context.h"
#include "attest/policy.h"

namespace cloister::attest {

struct AzureQuestion {
  const Evidence* evidence;
  const AzureSnpPolicy* snp;  // the one of the evidence's kind
  const AzureTdxPolicy* tdx;
  Bytes qualifying_data;
};

// The checks before those of the hardware and those of the quote.
std::span<const std::string_view> azure_checks();

// Judges azure_checks(), those of SNP or TDX, and tpm_quote_checks().
void verify_azure(Context& context, const AzureQuestion& question);

}  // namespace cloister::attest
