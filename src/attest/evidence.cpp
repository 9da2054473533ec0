#include "attest/evidence.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/words.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kTpmParts[] = {kTpmSignature, kTpmPublic, kTpmPcrs};
constexpr std::string_view kAzureSnpParts[] = {kTpmQuote, kTpmSignature, kTpmPcrs};
constexpr std::string_view kAzureTdxParts[] = {kTdQuote, kTpmQuote, kTpmSignature, kTpmPcrs};
constexpr std::string_view kAmdBlobs[] = {kVek, kIntermediate, kAmdCrl};
constexpr std::string_view kIntelBlobs[] = {kTcbInfo,         kTcbInfoChain, kQeIdentity,
                                            kQeIdentityChain, kPckCrl,       kRootCrl};

using Names = std::span<const std::string_view>;

struct KindRow {
  EvidenceKind kind;
  std::string_view word;
  std::string_view kind_class;
  Names parts;
  Names endorsements;
};

constexpr KindRow kKinds[] = {
    {EvidenceKind::kSnp, "snp", "tee", {}, kAmdBlobs},
    {EvidenceKind::kTdx, "tdx", "tee", {}, kIntelBlobs},
    {EvidenceKind::kSgx, "sgx", "tee", {}, kIntelBlobs},
    {EvidenceKind::kTpm, "tpm", "tpm", kTpmParts, {}},
    {EvidenceKind::kAzureSnp, "azure_snp", "tee", kAzureSnpParts, kAmdBlobs},
    {EvidenceKind::kAzureTdx, "azure_tdx", "tee", kAzureTdxParts, kIntelBlobs},
    {EvidenceKind::kSimulated, "simulated", "simulated", {}, {}},
};

static_assert(std::ranges::equal(kKinds, kEvidenceKinds, {}, &KindRow::kind),
              "every kind has a row, in the same order");

const KindRow* find_row(EvidenceKind kind) {
  const auto* const row = std::ranges::find(kKinds, kind, &KindRow::kind);
  return row == std::end(kKinds) ? nullptr : row;
}

Result<> check_blobs(const std::vector<Blob>& blobs, Names names, std::string_view what,
                     size_t already, size_t most) {
  std::set<std::string_view> seen;
  size_t bytes = already;
  for (const Blob& blob : blobs) {
    if (std::ranges::find(names, blob.name) == names.end()) {
      return invalid("{} '{}', want {}", what, printable(blob.name, 40),
                     names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
    }
    if (!seen.insert(blob.name).second) return invalid("{} '{}' occurs twice", what, blob.name);
    bytes += std::min(blob.bytes.size(), most + 1);
  }
  if (bytes <= most) return {};
  return invalid("{} of {} bytes, want at most {}", what, bytes, most);
}

}  // namespace

std::string_view to_string(EvidenceKind kind) {
  const KindRow* const row = find_row(kind);
  return row == nullptr ? "unknown" : row->word;
}

Result<> from_string(std::string_view text, EvidenceKind& out) {
  TRY(row, find_word(kKinds, text, Kind::kUnsupported, "evidence"));
  out = row->kind;
  return {};
}

std::string_view kind_class(EvidenceKind kind) {
  const KindRow* const row = find_row(kind);
  return row == nullptr ? "unknown" : row->kind_class;
}

bool is_part(EvidenceKind kind, std::string_view name) {
  const KindRow* const row = find_row(kind);
  return row != nullptr && std::ranges::find(row->parts, name) != row->parts.end();
}

Result<> check_form(const Evidence& evidence, const Endorsements& endorsements) {
  const KindRow* const row = find_row(evidence.kind);
  if (row == nullptr) {
    return fail(Kind::kUnsupported, "evidence of kind {}", static_cast<int>(evidence.kind));
  }
  TRY_OK(check_blobs(evidence.parts, row->parts, "evidence",
                     std::min(evidence.report.size(), kMaxEvidenceBytes + 1), kMaxEvidenceBytes));
  return check_blobs(endorsements.blobs, row->endorsements, "endorsement", 0, kMaxEndorsementBytes);
}

Result<Bytes> find_blob(const std::vector<Blob>& blobs, std::string_view name) {
  const auto found = std::ranges::find(blobs, name, &Blob::name);
  if (found == blobs.end()) return invalid("no {} was given", name);
  return Bytes(found->bytes);
}

}  // namespace cloister::attest
