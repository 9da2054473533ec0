#include "attest/words.h"

#include <fmt/ranges.h>

#include <span>

namespace cloister::attest {
namespace {

template <typename T>
struct Word {
  T value;
  std::string_view word;
};

constexpr Word<PlatformBit> kPlatformBits[] = {
    {PlatformBit::kTsme, "tsme"},
    {PlatformBit::kEcc, "ecc"},
    {PlatformBit::kRaplDisabled, "rapl_disabled"},
    {PlatformBit::kCiphertextHiding, "ciphertext_hiding"},
    {PlatformBit::kAliasCheck, "alias_check"},
    {PlatformBit::kTio, "tio"},
};

constexpr Word<TdAttribute> kTdAttributes[] = {
    {TdAttribute::kSeptVeDisable, "sept_ve_disable"},
    {TdAttribute::kMigratable, "migratable"},
    {TdAttribute::kPks, "pks"},
    {TdAttribute::kKl, "kl"},
    {TdAttribute::kPerfmon, "perfmon"},
};

constexpr Word<TcbStatus> kStatuses[] = {
    {TcbStatus::kUpToDate, "UpToDate"},
    {TcbStatus::kSwHardeningNeeded, "SWHardeningNeeded"},
    {TcbStatus::kConfigurationNeeded, "ConfigurationNeeded"},
    {TcbStatus::kConfigurationAndSwHardeningNeeded, "ConfigurationAndSWHardeningNeeded"},
    {TcbStatus::kOutOfDate, "OutOfDate"},
    {TcbStatus::kOutOfDateConfigurationNeeded, "OutOfDateConfigurationNeeded"},
    {TcbStatus::kRevoked, "Revoked"},
};

template <typename T>
std::string_view word_in(std::span<const Word<T>> words, T value, std::string_view otherwise) {
  for (const Word<T>& row : words) {
    if (row.value == value) return row.word;
  }
  return otherwise;
}

template <typename T>
Result<> parse_in(std::span<const Word<T>> words, std::string_view text, T& out) {
  std::vector<std::string_view> known;
  for (const Word<T>& row : words) {
    known.push_back(row.word);
    if (row.word != text) continue;
    out = row.value;
    return {};
  }
  return invalid("'{}', want {}", printable(text, 60), fmt::join(known, ", "));
}

template <typename T>
std::vector<T> bits_in(std::span<const Word<T>> words, uint64_t bits) {
  std::vector<T> set;
  for (const Word<T>& row : words) {
    if ((bits >> static_cast<int>(row.value) & 1) != 0) set.push_back(row.value);
  }
  return set;
}

}  // namespace

std::string_view to_string(SnpProduct product) {
  switch (product) {
    case SnpProduct::kMilan:
      return "milan";
    case SnpProduct::kGenoa:
      return "genoa";
    case SnpProduct::kTurin:
      return "turin";
  }
  return "unknown";
}

std::string_view to_string(PlatformBit bit) {
  return word_in<PlatformBit>(kPlatformBits, bit, "unknown");
}

Result<> from_string(std::string_view text, PlatformBit& out) {
  return parse_in<PlatformBit>(kPlatformBits, text, out);
}

std::vector<PlatformBit> platform_bits(uint64_t platform_info) {
  return bits_in<PlatformBit>(kPlatformBits, platform_info);
}

std::string_view to_string(TdAttribute attribute) {
  return word_in<TdAttribute>(kTdAttributes, attribute, "unknown");
}

Result<> from_string(std::string_view text, TdAttribute& out) {
  return parse_in<TdAttribute>(kTdAttributes, text, out);
}

std::vector<TdAttribute> td_attributes(uint64_t attributes) {
  return bits_in<TdAttribute>(kTdAttributes, attributes);
}

std::string_view to_string(TcbStatus status) {
  return word_in<TcbStatus>(kStatuses, status, "NotSupported");
}

Result<> from_string(std::string_view text, TcbStatus& out) {
  return parse_in<TcbStatus>(kStatuses, text, out);
}

}  // namespace cloister::attest
