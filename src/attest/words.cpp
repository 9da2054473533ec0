#include "attest/words.h"

#include "base/words.h"

namespace cloister::attest {
namespace {

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

template <typename T, size_t N>
std::vector<T> bits_in(const Word<T> (&words)[N], uint64_t bits) {
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
  return word_of(kPlatformBits, bit, "unknown");
}

Result<> from_string(std::string_view text, PlatformBit& out) {
  return value_of_word(kPlatformBits, text, out);
}

std::vector<PlatformBit> platform_bits(uint64_t platform_info) {
  return bits_in<PlatformBit>(kPlatformBits, platform_info);
}

std::string_view to_string(TdAttribute attribute) {
  return word_of(kTdAttributes, attribute, "unknown");
}

Result<> from_string(std::string_view text, TdAttribute& out) {
  return value_of_word(kTdAttributes, text, out);
}

std::vector<TdAttribute> td_attributes(uint64_t attributes) {
  return bits_in<TdAttribute>(kTdAttributes, attributes);
}

std::string_view to_string(TcbStatus status) {
  return word_of(kStatuses, status, "NotSupported");
}

Result<> from_string(std::string_view text, TcbStatus& out) {
  return value_of_word(kStatuses, text, out);
}

}  // namespace cloister::attest
