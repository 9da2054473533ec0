// Intel's collateral: TCB info and QE identity, JSON that Intel has signed ("Provisioning
// Certification Service" API v4). What is read here is the very text that was signed.
#pragma once

#include "attest/claims.h"
#include "base/time.h"

namespace cloister::attest {

// The object that was signed, byte for byte as it stands in the text, and its signature.
struct SignedJson {
  std::string_view object;
  Fixed<32> r;  // big-endian
  Fixed<32> s;
};

// {"KEY": {...}, "signature": "128 hexadecimal digits"} and nothing else. A key given twice, at any
// depth, is kInvalid; so is one spelt with escapes.
Result<SignedJson> parse_signed_json(Bytes text, std::string_view key);

// A level of the platform's TCB.
struct TcbLevel {
  std::array<uint8_t, 16> sgx_svns{};
  std::array<uint8_t, 16> tdx_svns{};  // zero of SGX
  uint16_t pce_svn = 0;
  TcbStatus status = TcbStatus::kRevoked;
  std::string date;
  std::vector<std::string> advisories;
};

// A level of an enclave or a TDX module.
struct IsvLevel {
  uint16_t isv_svn = 0;
  TcbStatus status = TcbStatus::kRevoked;
  std::vector<std::string> advisories;
};

struct ModuleIdentity {
  std::string id;  // "TDX_03"; "" of version 0, which has no levels
  Fixed<48> mr_signer;
  uint64_t attributes = 0;
  std::vector<IsvLevel> levels;  // best first
};

struct TcbInfo {
  Time issued;
  Time next_update;
  Fixed<6> fmspc;
  Fixed<2> pce_id;
  uint64_t evaluation_number = 0;
  std::vector<TcbLevel> levels;         // best first
  std::vector<ModuleIdentity> modules;  // TDX
};

struct QeIdentity {
  Time issued;
  Time next_update;
  uint64_t evaluation_number = 0;
  uint32_t misc_select = 0;
  uint32_t misc_select_mask = 0;
  Fixed<16> attributes;
  Fixed<16> attributes_mask;
  Fixed<32> mr_signer;
  uint16_t isv_prod_id = 0;
  std::vector<IsvLevel> levels;  // best first
};

// kInvalid naming what is malformed, kUnsupported for other ids, versions and statuses. Keys that
// are not known are passed over: Intel adds them within a version. Thread-safe.
Result<TcbInfo> parse_tcb_info(std::string_view object, bool tdx);
Result<QeIdentity> parse_qe_identity(std::string_view object, bool tdx);

}  // namespace cloister::attest
