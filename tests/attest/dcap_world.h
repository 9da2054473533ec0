// An Intel of our own: platforms, quoting enclaves, collateral and certificates that are all good,
// to be broken one by one.
#pragma once

#include <nlohmann/json.hpp>

#include "record/json.h"
#include "tests/attest/authority.h"
#include "tests/attest/case.h"

namespace cloister::attest::test {

struct DcapWorld {
  explicit DcapWorld(bool is_tdx = true, uint16_t quote_version = 4, bool td_report_15 = false);

  bool tdx;
  uint16_t version;
  std::vector<std::byte> header;     // 48 bytes
  std::vector<std::byte> body;       // SGX report, or TD report
  std::vector<std::byte> qe_report;  // report data are filled in, unless `qe_binding` is given
  std::vector<std::byte> qe_binding;
  std::vector<std::byte> qe_auth = std::vector<std::byte>(32, std::byte{9});
  uint16_t chain_type = 5;
  std::vector<std::byte> trailing;

  // The platform, as its certificate says.
  Fixed<16> ppid = filler<16>("ppid");
  Fixed<6> fmspc = filler<6>("fmspc");
  Fixed<2> pce_id;
  std::array<uint8_t, 16> svns = {3, 3, 2, 2, 4, 1, 0, 5};
  uint16_t pce_svn = 13;
  bool has_pck_extension = true;
  CertificateSpec root, pck_ca, pck, signing;
  CrlSpec root_crl, pck_crl;

  Json tcb_info;     // "tcbInfo"
  Json qe_identity;  // "enclaveIdentity"

  Case make() const;
  std::vector<std::byte> make_quote() const;
  // `object` is the text that is signed.
  std::vector<std::byte> signed_json(const std::string& key, const std::string& object) const;
  std::string chain_of(const CertificateSpec& leaf, const Key& leaf_key, bool with_ca) const;

  Key root_key = ec_key("intel root", 415);
  Key ca_key = ec_key("pck ca", 415);
  Key pck_key = ec_key("pck", 415);
  Key signing_key = ec_key("tcb signing", 415);
  Key attestation_key = ec_key("attestation", 415);
};

// Offsets of a TD report.
inline constexpr size_t kTeeTcbSvnAt = 0, kMrSeamAt = 16, kMrSignerSeamAt = 64,
                        kSeamAttributesAt = 112, kTdAttributesAt = 120, kMrtdAt = 136,
                        kMrConfigIdAt = 184, kMrOwnerAt = 232, kMrOwnerConfigAt = 280,
                        kRtmr0At = 328, kTdReportDataAt = 520, kTeeTcbSvn2At = 584,
                        kMrServiceTdAt = 600;
// Of an SGX report.
inline constexpr size_t kMiscSelectAt = 16, kSgxAttributesAt = 48, kMrEnclaveAt = 64,
                        kMrSignerAt = 128, kConfigIdAt = 192, kIsvProdIdAt = 256, kIsvSvnAt = 258,
                        kSgxReportDataAt = 320;

}  // namespace cloister::attest::test
