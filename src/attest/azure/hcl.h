// The report of Azure's paravisor (HCL): a hardware report, and runtime data that it vouches for,
// with the vTPM's attestation key among them.
#pragma once

#include "attest/claims.h"
#include "attest/signature.h"

namespace cloister::attest {

enum class HclType : uint32_t { kSnp = 2, kTdx = 4 };

struct HclReport {
  HclType type = HclType::kSnp;
  Bytes hardware_report;          // 1184 bytes: an SNP report, or a TDREPORT and zeros
  std::string_view runtime_data;  // JSON
};

// Version 2 of the blob, runtime data hashed with SHA-256, and nothing behind it but zeros. Spans
// are of `bytes`. kUnsupported for other types and hashes. Thread-safe.
Result<HclReport> parse_hcl_report(Bytes bytes);

struct HclRuntimeData {
  Key attestation_key;  // RSA: "HCLAkPub"
  Fixed<64> user_data;  // that the guest had the hardware report made for
};

// kInvalid naming what is malformed or missing, a key given twice among it.
Result<HclRuntimeData> parse_hcl_runtime_data(std::string_view json);

// SHA-256 of the runtime data, and zeros: what the hardware report must hold.
Fixed<64> hcl_report_data(std::string_view runtime_data);

}  // namespace cloister::attest
