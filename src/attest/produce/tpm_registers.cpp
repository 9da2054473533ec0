#include "attest/produce/tpm_registers.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <bit>

#include "attest/fixed.h"
#include "attest/tpm/quote.h"

namespace cloister::attest {
namespace {

constexpr int kQuoteTries = 5;
constexpr uint32_t kAllRegisters = 0xffffff;

using Values = std::array<Fixed<32>, 24>;

TPML_PCR_SELECTION selection_of(uint32_t registers) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  TPMS_PCR_SELECTION& bank = selection.pcrSelections[0];
  bank.hash = TPM2_ALG_SHA256;
  bank.sizeofSelect = 3;
  for (size_t i = 0; i < bank.sizeofSelect; ++i) {
    bank.pcrSelect[i] = static_cast<uint8_t>(registers >> 8 * i);
  }
  return selection;
}

uint32_t registers_of(const TPML_PCR_SELECTION& selection) {
  if (selection.count != 1 || selection.pcrSelections[0].hash != TPM2_ALG_SHA256) return 0;
  const TPMS_PCR_SELECTION& bank = selection.pcrSelections[0];
  uint32_t registers = 0;
  for (size_t i = 0; i < std::min<size_t>(bank.sizeofSelect, 3); ++i) {
    registers |= static_cast<uint32_t>(bank.pcrSelect[i]) << 8 * i;
  }
  return registers;
}

// Fills in those that one command gives, which are eight at most, and tells which.
Result<uint32_t> read_some(const TpmSession& session, uint32_t wanted, Values& values) {
  const TPML_PCR_SELECTION selection = selection_of(wanted);
  TpmOut<TPML_PCR_SELECTION> selected;
  TpmOut<TPML_DIGEST> digests;
  TRY_OK(check_tpm(Esys_PCR_Read(session.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &selection, nullptr, selected.out(), digests.out()),
                   "read PCRs"));
  const uint32_t got = registers_of(*selected) & wanted;
  if (got == 0) return fail(Kind::kUnsupported, "the TPM has no bank of SHA-256 PCRs");
  if (static_cast<uint32_t>(std::popcount(got)) != digests->count) {
    return invalid("{} PCRs were read, with {} values", std::popcount(got), digests->count);
  }
  size_t next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if ((got >> i & 1) == 0) continue;
    const TPM2B_DIGEST& digest = digests->digests[next++];
    if (digest.size != values[i].bytes.size()) {
      return invalid("PCR {} has {} bytes, want 32", i, digest.size);
    }
    std::memcpy(values[i].bytes.data(), digest.buffer, digest.size);
  }
  return got;
}

Result<std::vector<std::byte>> read_registers(const TpmSession& session) {
  Values values;
  for (uint32_t left = kAllRegisters; left != 0;) {
    TRY(got, read_some(session, left, values));
    left &= ~got;
  }
  std::vector<std::byte> bytes;
  for (const Fixed<32>& value : values) {
    bytes.insert(bytes.end(), value.bytes.begin(), value.bytes.end());
  }
  return bytes;
}

Result<QuotedRegisters> quote(const TpmSession& session, const TpmKey& key,
                              const TPMT_SIG_SCHEME& scheme, const TPM2B_DATA& qualifying_data) {
  const TPML_PCR_SELECTION selection = selection_of(kAllRegisters);
  TpmOut<TPM2B_ATTEST> quoted;
  TpmOut<TPMT_SIGNATURE> signature;
  TRY_OK(
      check_tpm(Esys_Quote(session.get(), key.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           &qualifying_data, &scheme, &selection, quoted.out(), signature.out()),
                "quote PCRs"));
  QuotedRegisters made;
  const Bytes bytes = std::as_bytes(std::span(quoted->attestationData, quoted->size));
  made.quote.assign(bytes.begin(), bytes.end());
  made.signature.resize(sizeof(TPMT_SIGNATURE));
  size_t size = 0;
  TRY_OK(check_tpm(
      Tss2_MU_TPMT_SIGNATURE_Marshal(&*signature, reinterpret_cast<uint8_t*>(made.signature.data()),
                                     made.signature.size(), &size),
      "write down a signature"));
  made.signature.resize(size);
  return made;
}

}  // namespace

Result<QuotedRegisters> quote_registers(const TpmSession& session, const TpmKey& key,
                                        const TPMT_SIG_SCHEME& scheme,
                                        const Digest& qualifying_data) {
  TPM2B_DATA data{.size = std::tuple_size_v<Digest>};
  std::memcpy(data.buffer, qualifying_data.data(), qualifying_data.size());
  for (int tries = 0; tries < kQuoteTries; ++tries) {
    TRY(made, quote(session, key, scheme, data));
    TRY(values, read_registers(session));
    const auto parsed = parse_tpm_quote(made.quote);
    if (!parsed) return with_context(parsed.error(), "quote");
    if (same_bytes(parsed->pcr_digest, sha256(values))) {
      made.values = std::move(values);
      return std::move(made);
    }
  }
  return fail(Kind::kUnavailable, "PCRs changed between quoting and reading them, {} times",
              kQuoteTries);
}

}  // namespace cloister::attest
