// Which trusted environments a client accepts: the "tee" part of trust-policy.json
// (docs/formats/trust-policy.md). Plain data. No field switches a check off: fields say what is
// acceptable, and without a section for its kind evidence is refused.
#pragma once

#include "attest/claims.h"

namespace cloister::attest {

// The smallest security version accepted of each component; one that is not given accepts nothing.
struct SnpMinimum {
  std::optional<uint64_t> fmc;  // Turin only
  std::optional<uint64_t> bootloader;
  std::optional<uint64_t> tee;
  std::optional<uint64_t> snp;
  std::optional<uint64_t> microcode;
};

// A product without minimums is not accepted.
struct SnpMinimums {
  std::optional<SnpMinimum> milan;
  std::optional<SnpMinimum> genoa;
  std::optional<SnpMinimum> turin;
};

struct SnpPolicy {
  std::vector<Fixed<48>> measurements;  // launch digests; empty accepts nothing
  SnpMinimums min_tcb;                  // of the reported, committed and launch TCB
  uint64_t min_guest_svn = 0;
  uint64_t vmpl = 0;
  bool accept_version_2 = false;     // reports without CPUID: the product rests on the VCEK alone
  bool accept_vlek = false;          // signed with a key of the cloud's, which hides the chip
  std::vector<std::string> csp_ids;  // whose VLEKs; empty accepts none
  bool accept_without_crl = false;   // no amd_crl among the endorsements
  bool accept_migration_agent = false;
  bool accept_smt = true;   // the guest's policy allows hyper-threading
  bool accept_cxl = false;  // and memory behind CXL devices
  std::vector<PlatformBit> platform_info = {PlatformBit::kAliasCheck};  // all required
  uint64_t mitigations = 0;          // bits of both MIT_VECTORs, all required; reports v5
  std::vector<Fixed<32>> host_data;  // these four, where given: one of them
  std::vector<Fixed<48>> id_key_digests;
  std::vector<Fixed<48>> author_key_digests;
  std::vector<Fixed<64>> chip_ids;
};

// A status of Intel's, and the advisories (INTEL-SA-...) that are tolerated with it.
struct AcceptedTcb {
  TcbStatus status = TcbStatus::kUpToDate;
  std::vector<std::string> advisories;
};

struct DcapPolicy {
  // UpToDate without advisories is accepted; so is what this lists. Revoked can't be.
  std::vector<AcceptedTcb> tcb;
  // Of collateral: against an old one replayed. The default ages: it is that of
  // collateral issued in February 2026, and owners should raise it.
  uint64_t min_tcb_evaluation_data_number = 18;
  std::vector<Fixed<16>> ppids;  // where given: one of them
  std::vector<Fixed<16>> platform_instances;
};

// A value, or the word "any". Neither accepts nothing.
struct ExpectedMeasurement {
  std::optional<Fixed<48>> value;
  bool any = false;
};
std::string to_string(const ExpectedMeasurement& expected);
Result<> from_string(std::string_view text, ExpectedMeasurement& out);

// A whole TD: firmware (MRTD) and what it measured at run time.
struct TdMeasurement {
  ExpectedMeasurement mrtd;  // not "any"
  ExpectedMeasurement rtmr0, rtmr1, rtmr2, rtmr3;
};

struct TdxPolicy {
  std::vector<TdMeasurement> measurements;  // one of them, as a whole; empty accepts nothing
  DcapPolicy platform;
  std::vector<TdAttribute> required_attributes = {TdAttribute::kSeptVeDisable};
  std::vector<TdAttribute> allowed_attributes;  // besides those required
  std::vector<Fixed<48>> mr_service_tds;        // zero, or one of them
  std::vector<Fixed<48>> mr_config_ids;         // these three, where given: one of them
  std::vector<Fixed<48>> mr_owners;
  std::vector<Fixed<48>> mr_owner_configs;
};

struct SgxSigner {
  Fixed<32> mr_signer;
  std::optional<uint64_t> isv_prod_id;
  std::optional<uint64_t> min_isv_svn;
};

struct SgxPolicy {
  // One of either; both empty accept nothing.
  std::vector<Fixed<32>> mr_enclaves;
  std::vector<SgxSigner> signers;
  DcapPolicy platform;
  std::vector<Fixed<64>> config_ids;  // zero, or one of them
};

// A register of the SHA-256 bank, and the values accepted in it.
struct PcrValues {
  uint64_t index = 0;
  std::vector<Fixed<32>> values;
};

struct TpmPolicy {
  std::vector<Fixed<34>> ak_names;  // of attestation keys; empty accepts nothing
  std::vector<PcrValues> pcrs;      // all of them; empty accepts nothing
};

// SNP or TDX under Azure's paravisor: the hardware report measures the paravisor, the vTPM what
// runs above it.
struct AzureSnpPolicy {
  SnpPolicy hardware;
  std::vector<PcrValues> pcrs;
  bool accept_stale_hardware_report = false;  // its user-data need not be the binder of this quote
};
struct AzureTdxPolicy {
  TdxPolicy hardware;
  std::vector<PcrValues> pcrs;
  bool accept_stale_hardware_report = false;
};

struct Policy {
  std::optional<SnpPolicy> snp;
  std::optional<TdxPolicy> tdx;
  std::optional<SgxPolicy> sgx;
  std::optional<TpmPolicy> tpm;  // measured boot without memory secrecy
  std::optional<AzureSnpPolicy> azure_snp;
  std::optional<AzureTdxPolicy> azure_tdx;
  bool accept_simulated = false;  // evidence that proves nothing
};

inline constexpr uint64_t kMaxTeePolicyBytes = 1 << 20;

// Whether the policy says whose ID block it is that gives a guest its GUEST_SVN: the host chooses
// one, and a key for it. An ID key that is zero: there is none, and GUEST_SVN is 0.
bool names_id_keys(const SnpPolicy& policy);

// Whether it accepts anything, and every value that must be given is: kInvalid naming the field.
// The verifiers need no such call: what is missing is refused there too. Thread-safe.
Result<> check_policy(const Policy& policy);

// As a JSON object, with every default filled in; and back, strict but for keys left out.
std::string policy_json(const Policy& policy);
Result<Policy> parse_policy(std::string_view json);

}  // namespace cloister::attest
