#include "attest/tpm/tpm.h"

#include <fmt/ranges.h>

namespace cloister::attest {
namespace {

constexpr std::string_view kKeyIds[] = {"tpm.public", "tpm.attributes", "tpm.key"};
constexpr std::string_view kQuoteIds[] = {"tpm.quote", "tpm.signature", "tpm.nonce",
                                          "tpm.pcr_digest", "tpm.pcrs"};

constexpr size_t kPcrBytes = 32;
constexpr size_t kMinNonceBytes = 32;
constexpr uint32_t kRequiredAttributes =
    kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin | kTpmRestricted | kTpmSign;

// The values of the registers selected, if they are what was signed.
Result<> check_pcr_digest(const TpmQuote& quote, const Result<Bytes>& pcrs, Hash hash) {
  if (!pcrs) return std::unexpected(pcrs.error());
  if (pcrs->size() != quote.selected.size() * kPcrBytes) {
    return invalid("{} bytes of PCR values, want {} for PCRs {}", pcrs->size(),
                   quote.selected.size() * kPcrBytes, fmt::join(quote.selected, ", "));
  }
  const std::vector<std::byte> want = digest(hash, *pcrs);
  if (!same_bytes(want, quote.pcr_digest)) {
    return invalid("digest {}, the values given have {}", to_hex(quote.pcr_digest), to_hex(want));
  }
  return {};
}

// Every register that the policy names is quoted, with a value of its list.
void judge_pcrs(Checks& checks, const TpmClaims& claims, const std::vector<PcrValues>& policy,
                const std::string& field) {
  constexpr std::string_view kId = "tpm.pcrs";
  if (policy.empty()) {
    checks.judge(kId, false, "", "registers of the policy, which names none", field);
    return;
  }
  for (size_t i = 0; i < policy.size(); ++i) {
    const auto found =
        std::ranges::find(claims.pcrs, policy[i].index, [](const auto& pcr) { return pcr.first; });
    const bool good = found != claims.pcrs.end() &&
                      std::ranges::any_of(policy[i].values, [&](const Fixed<32>& allowed) {
                        return same_bytes(allowed.view(), found->second.view());
                      });
    if (good) continue;
    checks.judge(kId, false,
                 found == claims.pcrs.end()
                     ? fmt::format("PCR {} is not quoted", policy[i].index)
                     : fmt::format("PCR {} is {}", policy[i].index, to_string(found->second)),
                 policy[i].values.size() == 1
                     ? to_string(policy[i].values[0])
                     : fmt::format("one of {} in the policy", policy[i].values.size()),
                 fmt::format("{}[{}].values", field, i));
    return;
  }
  checks.judge(kId, true, fmt::format("{} registers match", policy.size()),
               "every register that the policy names", field);
}

}  // namespace

std::span<const std::string_view> tpm_quote_checks() {
  return kQuoteIds;
}

std::span<const std::string_view> tpm_key_checks() {
  return kKeyIds;
}

void verify_tpm_quote(Context& context, const TpmQuoteQuestion& question) {
  Checks& checks = context.checks;
  // 1. A TPM's quote: what it made itself begins with its magic number.
  const auto quote = parse_tpm_quote(question.quote);
  checks.judge("tpm.quote", quote ? Result<>{} : std::unexpected(quote.error()),
               quote ? fmt::format("PCRs {}", fmt::join(quote->selected, ", ")) : "",
               "TPMS_ATTEST over PCRs of the SHA-256 bank");
  if (!quote) {
    for (const std::string_view id : kQuoteIds) checks.needs(id, {"tpm.quote"});
    return;
  }
  TpmClaims& claims = context.claims.tpm ? *context.claims.tpm : context.claims.tpm.emplace();
  claims.clock_ms = quote->clock_ms;
  claims.reset_count = quote->reset_count;
  claims.restart_count = quote->restart_count;
  claims.firmware_version = quote->firmware_version;
  // 2. Signed with the key that is trusted.
  const auto& signature = question.signature;
  if (question.key == nullptr) {
    checks.needs("tpm.signature", {question.key_check});
  } else {
    checks.judge("tpm.signature",
                 signature
                     ? check_tpm_signature(question.key, question.curve, *signature, question.quote)
                     : std::unexpected(signature.error()),
                 "good", "by the attestation key");
  }
  // 3. Made for this exchange.
  const bool enough = question.qualifying_data.size() >= kMinNonceBytes;
  checks.judge("tpm.nonce", enough && same_bytes(quote->extra_data, question.qualifying_data),
               to_hex(quote->extra_data),
               enough ? to_hex(question.qualifying_data)
                      : fmt::format("{} bytes were expected, of at least {}: nothing can match",
                                    question.qualifying_data.size(), kMinNonceBytes));
  // 4. The register values given are those that were signed.
  const Hash hash = signature ? signature->hash : Hash::kSha256;
  if (!checks.judge("tpm.pcr_digest", check_pcr_digest(*quote, question.pcrs, hash),
                    to_hex(quote->pcr_digest), "the digest of the PCR values given")) {
    checks.needs("tpm.pcrs", {"tpm.pcr_digest"});
    return;
  }
  for (size_t i = 0; i < quote->selected.size(); ++i) {
    auto& [index, value] = claims.pcrs.emplace_back();
    index = quote->selected[i];
    std::ranges::copy(question.pcrs->subspan(i * kPcrBytes, kPcrBytes), value.bytes.begin());
  }
  // 5. And are those of the policy.
  judge_pcrs(checks, claims, question.policy, question.field);
}

void verify_tpm(Context& context, const TpmQuestion& question) {
  Checks& checks = context.checks;
  const Evidence& evidence = *question.evidence;
  // The key's name is over its attributes too: a key that is listed, restricted, and made inside
  // signs nothing but what its TPM attests.
  const auto public_bytes = find_blob(evidence.parts, kTpmPublic);
  auto found = public_bytes ? parse_tpm_public(*public_bytes)
                            : Result<TpmPublic>(std::unexpected(public_bytes.error()));
  checks.judge("tpm.public", found ? Result<>{} : std::unexpected(found.error()),
               found ? (found->curve == 0 ? "RSA" : "ECC") : "", "TPM2B_PUBLIC of the signing key");
  if (found) {
    context.claims.tpm.emplace().ak_name = found->name;
    const bool good = (found->attributes & kRequiredAttributes) == kRequiredAttributes &&
                      (found->attributes & kTpmDecrypt) == 0;
    checks.judge("tpm.attributes", good, fmt::format("{:#x}", found->attributes),
                 fmt::format("all of {:#x} (made inside, restricted, for signing), not {:#x}",
                             kRequiredAttributes, kTpmDecrypt));
    judge_one_of(checks, "tpm.key", found->name, question.policy.ak_names, "tpm.ak_names");
  } else {
    checks.needs("tpm.attributes", {"tpm.public"});
    checks.needs("tpm.key", {"tpm.public"});
  }
  const auto signature_bytes = find_blob(evidence.parts, kTpmSignature);
  verify_tpm_quote(
      context, {evidence.report, find_blob(evidence.parts, kTpmPcrs),
                signature_bytes ? parse_tpm_signature(*signature_bytes)
                                : Result<TpmSignature>(std::unexpected(signature_bytes.error())),
                found ? found->key.get() : nullptr, found ? found->curve : 0, "tpm.public",
                question.qualifying_data, question.policy.pcrs, "tpm.pcrs"});
}

}  // namespace cloister::attest
