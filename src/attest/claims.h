// What evidence says about an environment, as typed values. They are worth nothing unless they come
// out of a verdict that is trusted (verify.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attest/evidence.h"
#include "attest/fixed.h"
#include "attest/words.h"

namespace cloister::attest {

// Security version numbers of AMD's firmware, each of one component: compared one by one. The FMC
// is Turin's, and 0 elsewhere.
struct SnpTcb {
  uint8_t fmc = 0;
  uint8_t bootloader = 0;
  uint8_t tee = 0;
  uint8_t snp = 0;
  uint8_t microcode = 0;

  bool operator==(const SnpTcb&) const = default;
};

struct SnpClaims {
  uint32_t version = 0;  // of the report
  std::optional<SnpProduct> product;
  bool signed_by_vlek = false;
  std::string csp;  // the cloud that a VLEK was given to
  Fixed<48> measurement;
  uint32_t guest_svn = 0;
  uint64_t guest_policy = 0;
  uint32_t vmpl = 0;
  bool debug = false;
  bool migration_agent = false;
  bool smt = false;  // another guest may run beside it on a core
  bool cxl = false;  // its memory may lie behind a CXL device
  uint64_t platform_info = 0;
  SnpTcb reported_tcb;  // these four are decoded by product
  SnpTcb committed_tcb;
  SnpTcb current_tcb;
  SnpTcb launch_tcb;
  uint64_t launch_mitigations = 0;
  uint64_t current_mitigations = 0;
  Fixed<32> host_data;
  Fixed<48> id_key_digest;
  Fixed<48> author_key_digest;
  Fixed<32> report_id;
  Fixed<64> chip_id;
};

// Of the platform under a TDX or SGX quote.
struct DcapClaims {
  uint16_t quote_version = 0;
  Fixed<6> fmspc;
  Fixed<2> pce_id;
  uint16_t pce_svn = 0;
  std::array<uint8_t, 16> cpu_svns{};  // of the PCK certificate
  Fixed<16> ppid;
  std::optional<Fixed<16>> platform_instance;
  uint64_t sgx_type = 0;  // 0 standard, 1 scalable, 2 scalable with integrity
  uint64_t tcb_evaluation_data_number = 0;
  std::optional<TcbStatus> tcb_status;  // all parts together
  std::optional<TcbStatus> platform_status;
  std::optional<TcbStatus> qe_status;
  std::optional<TcbStatus> module_status;  // TDX modules that have a status of their own
  std::string tcb_date;                    // of the level reached
  std::vector<std::string> advisories;     // of all parts, sorted
};

struct TdxClaims {
  Fixed<48> mrtd;
  std::array<Fixed<48>, 4> rtmr;
  Fixed<48> mr_config_id;
  Fixed<48> mr_owner;
  Fixed<48> mr_owner_config;
  Fixed<48> mr_seam;
  Fixed<48> mr_signer_seam;
  Fixed<48> mr_service_td;  // zero in TD reports 1.0
  Fixed<16> tee_tcb_svn;
  std::optional<Fixed<16>> tee_tcb_svn2;
  uint64_t seam_attributes = 0;
  uint64_t attributes = 0;
  uint64_t xfam = 0;
  bool debug = false;
};

struct SgxClaims {
  Fixed<32> mr_enclave;
  Fixed<32> mr_signer;
  uint16_t isv_prod_id = 0;
  uint16_t isv_svn = 0;
  Fixed<64> config_id;
  uint16_t config_svn = 0;
  uint64_t attributes = 0;
  uint64_t xfrm = 0;
  uint32_t misc_select = 0;
  bool debug = false;
};

struct TpmClaims {
  Fixed<34> ak_name;  // zero for Azure's, which are named by hardware-signed data instead
  std::vector<std::pair<uint32_t, Fixed<32>>> pcrs;  // SHA-256, those quoted
  uint64_t clock_ms = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  uint64_t firmware_version = 0;
};

struct Claims {
  EvidenceKind kind = EvidenceKind::kSimulated;
  // Of the hardware report, or of the simulated one. Under Azure: the digest of its runtime data.
  std::optional<Fixed<64>> report_data;
  std::optional<SnpClaims> snp;
  std::optional<DcapClaims> dcap;
  std::optional<TdxClaims> tdx;
  std::optional<SgxClaims> sgx;
  std::optional<TpmClaims> tpm;
  std::optional<Fixed<48>> simulated_measurement;
};

}  // namespace cloister::attest
