// The SEV-SNP attestation report ("SEV-SNP firmware ABI", table of ATTESTATION_REPORT): 1184 bytes,
// little-endian.
#pragma once

#include "attest/claims.h"

namespace cloister::attest {

inline constexpr size_t kSnpReportBytes = 0x4a0;
inline constexpr size_t kSnpSignedBytes = 0x2a0;

enum class SnpSigner : uint32_t { kVcek = 0, kVlek = 1, kNone = 7 };

struct SnpReport {
  uint32_t version = 0;  // 2 to 5
  uint32_t guest_svn = 0;
  uint64_t policy = 0;
  Fixed<16> family_id;
  Fixed<16> image_id;
  uint32_t vmpl = 0;
  uint32_t signature_algorithm = 0;
  Fixed<8> current_tcb;  // the four: decode_tcb
  uint64_t platform_info = 0;
  uint32_t key_info = 0;
  Fixed<64> report_data;
  Fixed<48> measurement;
  Fixed<32> host_data;
  Fixed<48> id_key_digest;
  Fixed<48> author_key_digest;
  Fixed<32> report_id;
  Fixed<32> report_id_ma;
  Fixed<8> reported_tcb;
  uint8_t cpu_family = 0;  // these three: version 3 and later
  uint8_t cpu_model = 0;
  uint8_t cpu_stepping = 0;
  Fixed<64> chip_id;
  Fixed<8> committed_tcb;
  Fixed<8> launch_tcb;
  uint64_t launch_mitigations = 0;  // these two: version 5
  uint64_t current_mitigations = 0;
  Fixed<48> r;  // of the signature, big-endian
  Fixed<48> s;

  uint32_t signing_key() const { return key_info >> 2 & 7; }  // SnpSigner
  bool debug() const { return (policy >> 19 & 1) != 0; }
  bool migration_agent() const { return (policy >> 18 & 1) != 0; }
  bool smt() const { return (policy >> 16 & 1) != 0; }
  bool cxl() const { return (policy >> 21 & 1) != 0; }
};

// Exactly one report of version 2 to 5, signed with ECDSA P-384 and SHA-384, with nothing where the
// signature's padding is. kUnsupported for newer versions, kInvalid for what is malformed. Does not
// check the signature. Thread-safe.
Result<SnpReport> parse_snp_report(Bytes bytes);

// The bytes of a TCB version by component: they lie elsewhere on Turin.
SnpTcb decode_tcb(const Fixed<8>& bytes, SnpProduct product);

// The product by CPUID family, model, stepping; kUnsupported naming them.
Result<SnpProduct> product_of_cpu(uint8_t family, uint8_t model);

}  // namespace cloister::attest
