// TPM 2.0: verifies a quote of PCRs against a policy. On its own it is measured boot, not memory
// secrecy, and it is labelled so.
#pragma once

#include "attest/context.h"
#include "attest/policy.h"
#include "attest/tpm/quote.h"

namespace cloister::attest {

// A quote by a key that is already trusted.
struct TpmQuoteQuestion {
  Bytes quote;
  Result<Bytes> pcrs;  // tpm_pcrs
  Result<TpmSignature> signature;
  EVP_PKEY* key = nullptr;     // nothing: not known
  int curve = 0;               // of the key; 0: RSA
  std::string_view key_check;  // that judged the key, "tpm.key"
  Bytes qualifying_data;       // expected; at least 32 bytes
  const std::vector<PcrValues>& policy;
  std::string field;  // what the policy is called, "tpm.pcrs"
};

// The checks of a quote, in order; and those of its key before them, where nothing else vouches for
// it.
std::span<const std::string_view> tpm_quote_checks();
std::span<const std::string_view> tpm_key_checks();

// Judges tpm_quote_checks() and fills in claims.tpm.
void verify_tpm_quote(Context& context, const TpmQuoteQuestion& question);

struct TpmQuestion {
  const Evidence* evidence;
  const TpmPolicy& policy;
  Bytes qualifying_data;
};

// Judges both lists.
void verify_tpm(Context& context, const TpmQuestion& question);

}  // namespace cloister::attest
