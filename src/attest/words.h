// Small vocabularies of evidence, claims and policies.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.h"

namespace cloister::attest {

// AMD's processors by their root keys: Genoa's also serves Bergamo and Siena.
enum class SnpProduct { kMilan, kGenoa, kTurin };
std::string_view to_string(SnpProduct product);  // "milan", "genoa", "turin"

// Bits of an SEV-SNP report's PLATFORM_INFO that a policy can require.
enum class PlatformBit : uint8_t {
  kTsme = 1,
  kEcc = 2,
  kRaplDisabled = 3,
  kCiphertextHiding = 4,
  kAliasCheck = 5,
  kTio = 7,
};
std::string_view to_string(PlatformBit bit);
Result<> from_string(std::string_view text, PlatformBit& out);
std::vector<PlatformBit> platform_bits(uint64_t platform_info);  // those that are set

// Bits of a TD's TDATTRIBUTES that a policy can require or allow. DEBUG is never allowed.
enum class TdAttribute : uint8_t {
  kSeptVeDisable = 28,
  kMigratable = 29,
  kPks = 30,
  kKl = 31,
  kPerfmon = 63,
};
std::string_view to_string(TdAttribute attribute);
Result<> from_string(std::string_view text, TdAttribute& out);
std::vector<TdAttribute> td_attributes(uint64_t attributes);  // those that are set

// Intel's verdict on a platform, by its own words; kNotSupported: no level of the TCB info fits.
enum class TcbStatus {
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kRevoked,
  kNotSupported,
};
std::string_view to_string(TcbStatus status);
Result<> from_string(std::string_view text, TcbStatus& out);  // not "NotSupported"

}  // namespace cloister::attest
