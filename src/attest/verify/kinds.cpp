#include "attest/verify/kinds.h"

#include <algorithm>
#include <cstring>

#include "attest/azure/azure.h"
#include "attest/azure/hcl.h"
#include "attest/dcap/dcap.h"
#include "attest/dcap/sgx.h"
#include "attest/dcap/tdx.h"
#include "attest/simulated/simulated.h"
#include "attest/snp/report.h"
#include "attest/snp/snp.h"
#include "attest/tpm/tpm.h"

namespace cloister::attest {
namespace {

using Product = std::optional<SnpProduct>;

// The policy's section, or one that accepts nothing.
template <typename T>
const T& section(const std::optional<T>& value) {
  static const T kNothing;
  return value ? *value : kNothing;
}

// A number in a report, or nothing where there are too few bytes.
template <typename T>
std::optional<T> number_at(Bytes bytes, size_t offset) {
  if (bytes.size() < offset + sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;  // little-endian, as this program's machines are
}

bool begins(Bytes report, std::string_view magic) {
  return as_text(report).starts_with(magic);
}

bool is_snp(Bytes report) {
  const auto version = number_at<uint32_t>(report, 0);
  return report.size() == kSnpReportBytes && version >= 2U && version <= 5U;
}

bool is_quote(Bytes report, uint16_t min_version, uint32_t tee) {
  const auto version = number_at<uint16_t>(report, 0);
  return version >= min_version && version <= 5 && number_at<uint32_t>(report, 4) == tee;
}

bool is_hcl(Bytes report, bool tdx) {
  constexpr size_t kTypeAt = 1224;
  const auto type = number_at<uint32_t>(report, kTypeAt);
  return begins(report, "HCLA") && (type == static_cast<uint32_t>(HclType::kTdx)) == tdx;
}

constexpr std::string_view kSnpIdentity[] = {"measurement", "chip_id"};
constexpr std::string_view kTdxIdentity[] = {"ppid", "mrtd", "rtmr*"};
constexpr std::string_view kSgxIdentity[] = {"ppid", "mr_enclave", "mr_signer"};
constexpr std::string_view kTpmIdentity[] = {"ak_name", "pcr*"};
constexpr std::string_view kAzureSnpIdentity[] = {"measurement", "chip_id", "pcr*"};
constexpr std::string_view kAzureTdxIdentity[] = {"ppid", "mrtd", "rtmr*", "pcr*"};
constexpr std::string_view kSimulatedIdentity[] = {"measurement"};

constexpr KindVerifier kVerifiers[] = {
    {.kind = EvidenceKind::kSnp,
     .field = "snp",
     .accepts = [](const Policy& policy) { return policy.snp.has_value(); },
     .add_checks = [](Checks& checks) { checks.add(snp_checks()); },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy& policy,
            const Expected& expected) {
           verify_snp(context, {evidence.report, section(policy.snp), "snp", expected.report_data});
         },
     .looks_like = is_snp,
     .identity = kSnpIdentity,
     .sources =
         [](const Evidence& evidence, const EndorsementSites& sites, Product product) {
           return snp_endorsement_sources(evidence.report, sites, product);
         }},
    {.kind = EvidenceKind::kTdx,
     .field = "tdx",
     .accepts = [](const Policy& policy) { return policy.tdx.has_value(); },
     .add_checks =
         [](Checks& checks) {
           checks.add(dcap_checks());
           checks.add(tdx_checks());
         },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy& policy,
            const Expected& expected) {
           verify_tdx(context, {evidence.report, section(policy.tdx), "tdx", expected.report_data});
         },
     .looks_like = [](Bytes report) { return is_quote(report, 4, 0x81); },
     .identity = kTdxIdentity,
     .sources = [](const Evidence& evidence, const EndorsementSites& sites,
                   Product) { return dcap_endorsement_sources(evidence.report, sites); }},
    {.kind = EvidenceKind::kSgx,
     .field = "sgx",
     .accepts = [](const Policy& policy) { return policy.sgx.has_value(); },
     .add_checks =
         [](Checks& checks) {
           checks.add(dcap_checks());
           checks.add(sgx_checks());
         },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy& policy,
            const Expected& expected) {
           verify_sgx(context, {evidence.report, section(policy.sgx), expected.report_data});
         },
     .looks_like = [](Bytes report) { return is_quote(report, 3, 0); },
     .identity = kSgxIdentity,
     .sources = [](const Evidence& evidence, const EndorsementSites& sites,
                   Product) { return dcap_endorsement_sources(evidence.report, sites); }},
    {.kind = EvidenceKind::kTpm,
     .field = "tpm",
     .accepts = [](const Policy& policy) { return policy.tpm.has_value(); },
     .add_checks =
         [](Checks& checks) {
           checks.add(tpm_key_checks());
           checks.add(tpm_quote_checks());
         },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy& policy,
            const Expected& expected) {
           verify_tpm(context, {&evidence, section(policy.tpm), expected.qualifying_data});
         },
     .looks_like = [](Bytes report) { return begins(report, "\xffTCG"); },
     .identity = kTpmIdentity},
    {.kind = EvidenceKind::kAzureSnp,
     .field = "azure_snp",
     .accepts = [](const Policy& policy) { return policy.azure_snp.has_value(); },
     .add_checks =
         [](Checks& checks) {
           checks.add(azure_checks());
           checks.add(snp_checks());
           checks.add(tpm_quote_checks());
         },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy& policy,
            const Expected& expected) {
           verify_azure(context,
                        {&evidence, &section(policy.azure_snp), nullptr, expected.qualifying_data});
         },
     .looks_like = [](Bytes report) { return is_hcl(report, false); },
     .identity = kAzureSnpIdentity,
     .sources = [](const Evidence& evidence, const EndorsementSites& sites,
                   Product product) -> Result<std::vector<EndorsementSource>> {
       TRY(hcl, parse_hcl_report(evidence.report));
       return snp_endorsement_sources(hcl.hardware_report, sites, product);
     }},
    {.kind = EvidenceKind::kAzureTdx,
     .field = "azure_tdx",
     .accepts = [](const Policy& policy) { return policy.azure_tdx.has_value(); },
     .add_checks =
         [](Checks& checks) {
           checks.add(azure_checks());
           checks.add(dcap_checks());
           checks.add(tdx_checks());
           checks.add(tpm_quote_checks());
         },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy& policy,
            const Expected& expected) {
           verify_azure(context,
                        {&evidence, nullptr, &section(policy.azure_tdx), expected.qualifying_data});
         },
     .looks_like = [](Bytes report) { return is_hcl(report, true); },
     .identity = kAzureTdxIdentity,
     .sources = [](const Evidence& evidence, const EndorsementSites& sites,
                   Product) -> Result<std::vector<EndorsementSource>> {
       TRY(quote, find_blob(evidence.parts, kTdQuote));
       return dcap_endorsement_sources(quote, sites);
     }},
    {.kind = EvidenceKind::kSimulated,
     .field = "accept_simulated",
     .accepts = [](const Policy& policy) { return policy.accept_simulated; },
     .add_checks = [](Checks& checks) { checks.add(simulated_checks()); },
     .verify =
         [](Context& context, const Evidence& evidence, const Policy&, const Expected& expected) {
           verify_simulated(context, evidence.report, expected.report_data);
         },
     .looks_like = [](Bytes report) { return begins(report, "cloister-sim/1"); },
     .identity = kSimulatedIdentity},
};

static_assert(std::ranges::equal(kVerifiers, kEvidenceKinds, {}, &KindVerifier::kind),
              "every kind has a verifier, in the same order");

}  // namespace

const KindVerifier* find_verifier(EvidenceKind kind) {
  const auto* const row = std::ranges::find(kVerifiers, kind, &KindVerifier::kind);
  return row == std::end(kVerifiers) ? nullptr : row;
}

bool accepts(const Policy& policy, EvidenceKind kind) {
  const KindVerifier* const row = find_verifier(kind);
  return row != nullptr && row->accepts(policy);
}

Result<EvidenceKind> guess_kind(Bytes report) {
  for (const KindVerifier& row : kVerifiers) {
    if (row.looks_like(report)) return row.kind;
  }
  return invalid("{} bytes that are not evidence of a known kind", report.size());
}

}  // namespace cloister::attest
