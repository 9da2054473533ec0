// Intel DCAP quotes, versions 3 (SGX), 4 and 5 (SGX or TDX): sgx_quote_3.h, _4.h, _5.h of Intel's
// DCAP. Numbers are little-endian, keys and signatures big-endian.
#pragma once

#include "attest/claims.h"

namespace cloister::attest {

inline constexpr size_t kSgxReportBytes = 384;
inline constexpr size_t kTdReport10Bytes = 584;
inline constexpr size_t kTdReport15Bytes = 648;

struct SgxReport {
  Fixed<16> cpu_svn;
  uint32_t misc_select = 0;
  Fixed<16> attributes;  // flags, then XFRM
  Fixed<32> mr_enclave;
  Fixed<32> mr_signer;
  Fixed<64> config_id;
  uint16_t isv_prod_id = 0;
  uint16_t isv_svn = 0;
  uint16_t config_svn = 0;
  Fixed<64> report_data;

  uint64_t flags() const;
  uint64_t xfrm() const;
};

struct TdReport {
  Fixed<16> tee_tcb_svn;
  Fixed<48> mr_seam;
  Fixed<48> mr_signer_seam;
  uint64_t seam_attributes = 0;
  uint64_t attributes = 0;
  uint64_t xfam = 0;
  Fixed<48> mrtd;
  Fixed<48> mr_config_id;
  Fixed<48> mr_owner;
  Fixed<48> mr_owner_config;
  std::array<Fixed<48>, 4> rtmr;
  Fixed<64> report_data;
  std::optional<Fixed<16>> tee_tcb_svn2;  // these two: TD report 1.5
  Fixed<48> mr_service_td;
};

// A quote taken apart; its spans are of the bytes parsed.
struct DcapQuote {
  uint16_t version = 0;
  std::optional<TdReport> td;  // one of these two
  std::optional<SgxReport> sgx;
  Bytes signed_bytes;     // header and body
  Bytes signature;        // r, s
  Bytes attestation_key;  // x, y of P-256
  SgxReport qe_report;
  Bytes qe_report_bytes;
  Bytes qe_signature;
  Bytes qe_auth_data;
  std::string_view pck_chain;  // PEM: leaf, CA, root
};

// One quote with its PCK chain inside, and nothing behind it but zeros. kUnsupported for versions,
// key types, bodies and certification data of other kinds, kInvalid for what is malformed. Checks
// no signature. Thread-safe.
Result<DcapQuote> parse_dcap_quote(Bytes bytes);

}  // namespace cloister::attest
