#include "trust/draft_policy.h"

#include <algorithm>

#include "audit/record.h"
#include "record/fields.h"

namespace cloister::attest {
namespace {

SnpMinimum minimum_of(const SnpTcb& tcb, bool has_fmc) {
  SnpMinimum out{
      .bootloader = tcb.bootloader, .tee = tcb.tee, .snp = tcb.snp, .microcode = tcb.microcode};
  if (has_fmc) out.fmc = tcb.fmc;
  return out;
}

// The lowest of those that must reach the minimum.
SnpTcb lowest(const SnpClaims& c) {
  SnpTcb out = c.reported_tcb;
  for (const SnpTcb& tcb : {c.committed_tcb, c.launch_tcb}) {
    out.fmc = std::min(out.fmc, tcb.fmc);
    out.bootloader = std::min(out.bootloader, tcb.bootloader);
    out.tee = std::min(out.tee, tcb.tee);
    out.snp = std::min(out.snp, tcb.snp);
    out.microcode = std::min(out.microcode, tcb.microcode);
  }
  return out;
}

// Digests that are zero are pinned like others: that there is none is what was shown.
SnpPolicy policy_of(const SnpClaims& c, bool has_crl) {
  SnpPolicy out{.measurements = {c.measurement},
                .min_guest_svn = c.guest_svn,
                .vmpl = c.vmpl,
                .accept_version_2 = c.version == 2,
                .accept_vlek = c.signed_by_vlek,
                .accept_without_crl = !has_crl,
                .accept_migration_agent = c.migration_agent,
                .accept_smt = c.smt,
                .accept_cxl = c.cxl,
                .platform_info = platform_bits(c.platform_info),
                .host_data = {c.host_data},
                .id_key_digests = {c.id_key_digest},
                .author_key_digests = {c.author_key_digest}};
  constexpr auto kWritable = static_cast<uint64_t>(kMaxCount) - 1;  // in JSON
  if (c.version >= 5) out.mitigations = c.launch_mitigations & c.current_mitigations & kWritable;
  const SnpProduct product = *c.product;  // established() saw to it
  auto& place = product == SnpProduct::kMilan   ? out.min_tcb.milan
                : product == SnpProduct::kGenoa ? out.min_tcb.genoa
                                                : out.min_tcb.turin;
  place = minimum_of(lowest(c), product == SnpProduct::kTurin);
  if (c.signed_by_vlek) out.csp_ids = {c.csp};
  if (!c.chip_id.is_zero()) out.chip_ids = {c.chip_id};
  return out;
}

DcapPolicy policy_of(const DcapClaims& c) {
  DcapPolicy out{.ppids = {c.ppid}};
  out.min_tcb_evaluation_data_number =
      std::max(out.min_tcb_evaluation_data_number, c.tcb_evaluation_data_number);
  const bool as_it_is = c.tcb_status == TcbStatus::kUpToDate && c.advisories.empty();
  if (c.tcb_status && !as_it_is) out.tcb = {{*c.tcb_status, c.advisories}};
  return out;
}

TdxPolicy policy_of(const TdxClaims& c, const DcapClaims& platform) {
  TdMeasurement td{.mrtd = {.value = c.mrtd}};
  ExpectedMeasurement* const rtmrs[] = {&td.rtmr0, &td.rtmr1, &td.rtmr2, &td.rtmr3};
  for (size_t i = 0; i < std::size(rtmrs); ++i) rtmrs[i]->value = c.rtmr[i];
  TdxPolicy out{.measurements = {td},
                .platform = policy_of(platform),
                .required_attributes = {},
                .mr_config_ids = {c.mr_config_id},
                .mr_owners = {c.mr_owner},
                .mr_owner_configs = {c.mr_owner_config}};
  for (const TdAttribute attribute : td_attributes(c.attributes)) {
    const bool protects = attribute == TdAttribute::kSeptVeDisable;
    (protects ? out.required_attributes : out.allowed_attributes).push_back(attribute);
  }
  if (!c.mr_service_td.is_zero()) out.mr_service_tds = {c.mr_service_td};
  return out;
}

SgxPolicy policy_of(const SgxClaims& c, const DcapClaims& platform) {
  SgxPolicy out{.mr_enclaves = {c.mr_enclave}, .platform = policy_of(platform)};
  if (!c.config_id.is_zero()) out.config_ids = {c.config_id};
  return out;
}

std::vector<PcrValues> pcrs_of(const TpmClaims& c) {
  std::vector<PcrValues> out;
  for (const auto& [index, value] : c.pcrs) {
    // Those above change after boot; one that is zero says that nothing was loaded.
    constexpr uint32_t kStatic = 16;
    if (index < kStatic) out.push_back({index, {value}});
  }
  return out;
}

// How the policy's section of each kind is made of claims. Where some are missing there is none.
struct DraftRow {
  EvidenceKind kind;
  void (*draft)(const Claims&, bool has_crl, Policy&);
};

constexpr DraftRow kDrafts[] = {
    {EvidenceKind::kSnp,
     [](const Claims& c, bool has_crl, Policy& out) {
       if (c.snp) out.snp = policy_of(*c.snp, has_crl);
     }},
    {EvidenceKind::kTdx,
     [](const Claims& c, bool, Policy& out) {
       if (c.tdx && c.dcap) out.tdx = policy_of(*c.tdx, *c.dcap);
     }},
    {EvidenceKind::kSgx,
     [](const Claims& c, bool, Policy& out) {
       if (c.sgx && c.dcap) out.sgx = policy_of(*c.sgx, *c.dcap);
     }},
    {EvidenceKind::kTpm,
     [](const Claims& c, bool, Policy& out) {
       if (c.tpm) out.tpm = TpmPolicy{.ak_names = {c.tpm->ak_name}, .pcrs = pcrs_of(*c.tpm)};
     }},
    {EvidenceKind::kAzureSnp,
     [](const Claims& c, bool has_crl, Policy& out) {
       if (!c.snp || !c.tpm) return;
       out.azure_snp =
           AzureSnpPolicy{.hardware = policy_of(*c.snp, has_crl), .pcrs = pcrs_of(*c.tpm)};
     }},
    {EvidenceKind::kAzureTdx,
     [](const Claims& c, bool, Policy& out) {
       if (!c.tdx || !c.dcap || !c.tpm) return;
       out.azure_tdx =
           AzureTdxPolicy{.hardware = policy_of(*c.tdx, *c.dcap), .pcrs = pcrs_of(*c.tpm)};
     }},
    {EvidenceKind::kSimulated,
     [](const Claims&, bool, Policy& out) { out.accept_simulated = true; }},
};

static_assert(std::ranges::equal(kDrafts, kEvidenceKinds, {}, &DraftRow::kind),
              "every kind has a draft, in the same order");

Policy tee_of(const Claims& claims, bool has_crl) {
  Policy out;
  const auto* const row = std::ranges::find(kDrafts, claims.kind, &DraftRow::kind);
  if (row != std::end(kDrafts)) row->draft(claims, has_crl, out);
  return out;
}

// Whether some policy passes a check that failed under none: one that names a field.
bool may_pass(const Check& check, const ExchangeReply& reply, const Claims& c) {
  if (check.id == "snp.revocation") return !find_blob(reply.endorsements.blobs, kAmdCrl);
  if (check.id == "snp.vmpl") return c.snp && c.snp->vmpl <= 3;
  if (check.id == "dcap.tcb_status") {
    return c.dcap && c.dcap->tcb_status != TcbStatus::kRevoked &&
           c.dcap->tcb_status != TcbStatus::kNotSupported;
  }
  if (check.id == "tdx.attributes") {
    uint64_t unknown = c.tdx ? c.tdx->attributes >> 8 << 8 : 0;  // debugging has its own check
    for (const TdAttribute attribute : td_attributes(unknown)) {
      unknown &= ~(uint64_t{1} << static_cast<int>(attribute));
    }
    return unknown == 0;
  }
  return !check.field.empty();
}

// Claims are what somebody wrote unless the checks behind them passed: those that no policy
// softens, certificates and signatures among them.
Result<> established(const ExchangeReply& reply, const AppraisalResult& judgement) {
  for (const Check& check : judgement.checks) {
    if (check.outcome != Outcome::kFail || may_pass(check, reply, judgement.tee.claims)) continue;
    return invalid("no policy can accept this evidence: {}", failure_text(check));
  }
  return {};
}

}  // namespace

Result<TrustPolicy> draft_policy(const ExchangeReply& reply, const AppraisalResult& judgement) {
  TRY_OK(established(reply, judgement));
  const bool has_crl = find_blob(reply.endorsements.blobs, kAmdCrl).has_value();
  TrustPolicy out{.tee = tee_of(judgement.tee.claims, has_crl)};
  out.bundle.manifests = {{sha256(as_bytes(reply.manifest_json))}};
  if (judgement.manifest) out.bundle.min_version = judgement.manifest->version;
  if (judgement.statement) {
    TRY_OK(from_string(judgement.statement->config_sha256, out.configs.emplace_back()));
  }
  const auto file = reply.files.find("audit.json");
  if (file != reply.files.end()) {
    TRY(record, audit::parse_record(file->second));
    out.audit.leakage = record.policy;
  } else {
    out.audit.accept_unaudited = true;
  }
  if (const auto checked = check_policy(out); !checked) {
    return with_context(checked.error(), "no policy can accept this evidence");
  }
  return out;
}

}  // namespace cloister::attest
