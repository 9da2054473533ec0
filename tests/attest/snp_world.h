// An AMD of our own: chips, firmware and certificates that are all good, to be broken one by one.
#pragma once

#include <functional>

#include "tests/attest/authority.h"
#include "tests/attest/case.h"

namespace cloister::attest::test {

struct SnpWorld {
  explicit SnpWorld(SnpProduct made_by = SnpProduct::kMilan, bool with_vlek = false);

  // The report, without its signature; offsets are those of the format.
  std::vector<std::byte> report;
  // The certificates.
  CertificateSpec vek;
  CertificateSpec intermediate;
  CertificateSpec root;
  CrlSpec crl;
  SnpProduct product;
  bool is_vlek;

  // An extension of the VEK, by the last part of its OID ("3.8"), for changing it.
  std::vector<std::byte>& extension(const std::string& end);
  void remove_extension(const std::string& end);
  // Bytes of the TCB version at this offset, at the component's place.
  void set_microcode(size_t offset, uint8_t version);

  // Signed, with a policy that accepts it.
  Case make() const;
  std::vector<std::byte> signed_report() const { return signed_report(report); }
  std::vector<std::byte> signed_report(std::vector<std::byte> bytes) const;

  Key root_key = rsa_key(RsaName::kAmdRoot);
  Key intermediate_key = rsa_key(RsaName::kAmdIntermediate);
  Key vek_key;
};

// Offsets of a report.
inline constexpr size_t kVersionAt = 0x00, kGuestSvnAt = 0x04, kPolicyAt = 0x08, kVmplAt = 0x30,
                        kAlgorithmAt = 0x34, kCurrentTcbAt = 0x38, kPlatformInfoAt = 0x40,
                        kKeyInfoAt = 0x48, kReportDataAt = 0x50, kMeasurementAt = 0x90,
                        kHostDataAt = 0xc0, kIdKeyAt = 0xe0, kAuthorKeyAt = 0x110,
                        kReportedTcbAt = 0x180, kFamilyAt = 0x188, kModelAt = 0x189,
                        kChipIdAt = 0x1a0, kCommittedTcbAt = 0x1e0, kLaunchTcbAt = 0x1f0,
                        kLaunchMitigationsAt = 0x1f8, kCurrentMitigationsAt = 0x200;

}  // namespace cloister::attest::test
