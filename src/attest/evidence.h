// What a trusted environment hands over to prove what it is, before anything of it is believed.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::attest {

// On the wire: frozen.
enum class EvidenceKind : uint8_t {
  kSnp = 1,        // AMD SEV-SNP attestation report
  kTdx = 2,        // Intel TDX quote
  kSgx = 3,        // Intel SGX quote
  kTpm = 4,        // TPM 2.0 quote: measured boot, no memory secrecy
  kAzureSnp = 5,   // SEV-SNP under Azure's paravisor, with a vTPM quote
  kAzureTdx = 6,   // TDX likewise
  kSimulated = 7,  // proves nothing; for trying things without hardware
};

// All of them, in order. Tables with a row for each kind have them in this order, and a
// static_assert that says so.
inline constexpr auto kEvidenceKinds = std::to_array<EvidenceKind>(
    {EvidenceKind::kSnp, EvidenceKind::kTdx, EvidenceKind::kSgx, EvidenceKind::kTpm,
     EvidenceKind::kAzureSnp, EvidenceKind::kAzureTdx, EvidenceKind::kSimulated});

// "snp", "tdx", "sgx", "tpm", "azure_snp", "azure_tdx", "simulated"
std::string_view to_string(EvidenceKind kind);
Result<> from_string(std::string_view text, EvidenceKind& out);  // kUnsupported, with the words

// What a kind protects: "tee", "tpm" (measured boot only) or "simulated" (nothing).
std::string_view kind_class(EvidenceKind kind);

// Whether a blob of this name is part of the environment's own statement, not an endorsement.
bool is_part(EvidenceKind kind, std::string_view name);

struct Blob {
  std::string name;
  std::vector<std::byte> bytes;
};

// Names of blobs.
inline constexpr std::string_view kTpmQuote = "tpm_quote";  // TPMS_ATTEST
inline constexpr std::string_view kTpmSignature =
    "tpm_signature";                                          // TPMT_SIGNATURE; Azure: RSA bytes
inline constexpr std::string_view kTpmPublic = "tpm_public";  // TPM2B_PUBLIC of the signing key
inline constexpr std::string_view kTpmPcrs = "tpm_pcrs";  // SHA-256 values quoted, ascending index
inline constexpr std::string_view kTdQuote = "td_quote";
inline constexpr std::string_view kVek = "vek";                    // VCEK or VLEK certificate
inline constexpr std::string_view kIntermediate = "intermediate";  // ASK or ASVK certificate
inline constexpr std::string_view kAmdCrl = "amd_crl";             // the ARK's revocation list
inline constexpr std::string_view kTcbInfo = "tcb_info";  // Intel's JSON, with its signature
inline constexpr std::string_view kTcbInfoChain = "tcb_info_issuer_chain";        // PEM
inline constexpr std::string_view kQeIdentity = "qe_identity";                    // JSON, as above
inline constexpr std::string_view kQeIdentityChain = "qe_identity_issuer_chain";  // PEM
inline constexpr std::string_view kPckCrl = "pck_crl";
inline constexpr std::string_view kRootCrl = "root_ca_crl";

// The environment's own statement. `report` is: snp the report (1184 bytes); tdx and sgx the quote;
// azure_* the HCL report; tpm the TPMS_ATTEST; simulated see simulated.h. `parts` are
// tpm: tpm_signature, tpm_public, tpm_pcrs; azure_snp: tpm_quote, tpm_signature, tpm_pcrs;
// azure_tdx: td_quote too; none otherwise.
struct Evidence {
  EvidenceKind kind = EvidenceKind::kSimulated;
  std::vector<std::byte> report;
  std::vector<Blob> parts;
};

// Others' statements about it: certificates (DER or PEM), revocation lists, Intel's collateral.
struct Endorsements {
  std::vector<Blob> blobs;
};

inline constexpr size_t kMaxEvidenceBytes = 64 << 10;
inline constexpr size_t kMaxEndorsementBytes = 256 << 10;

// Sizes, and that each blob has a name that the kind knows, once. kInvalid naming what is wrong.
Result<> check_form(const Evidence& evidence, const Endorsements& endorsements);

// The blob of that name: kInvalid where there is none.
Result<Bytes> find_blob(const std::vector<Blob>& blobs, std::string_view name);

}  // namespace cloister::attest
