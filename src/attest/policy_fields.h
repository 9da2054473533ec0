// The fields of the "tee" part of trust-policy.json (docs/formats/trust-policy.md), for
// record/fields.h.
#pragma once

#include "attest/policy.h"
#include "record/fields.h"

namespace cloister::attest {

inline constexpr size_t kMostValues = 256;
inline constexpr uint64_t kMaxSvn = 255;

template <typename Io>
void fields(Io& io, Of<Io, SnpMinimum> r) {
  io.count_or_null("fmc", r.fmc, kMaxSvn);
  io.count_or_null("bootloader", r.bootloader, kMaxSvn);
  io.count_or_null("tee", r.tee, kMaxSvn);
  io.count_or_null("snp", r.snp, kMaxSvn);
  io.count_or_null("microcode", r.microcode, kMaxSvn);
}

template <typename Io>
void fields(Io& io, Of<Io, SnpMinimums> r) {
  io.optional("milan", r.milan);
  io.optional("genoa", r.genoa);
  io.optional("turin", r.turin);
}

template <typename Io>
void fields(Io& io, Of<Io, SnpPolicy> r) {
  io.terms("measurements", r.measurements, kMostValues);
  io.object("min_tcb", r.min_tcb);
  io.integer("min_guest_svn", r.min_guest_svn, 0, UINT32_MAX);
  io.integer("vmpl", r.vmpl, 0, 3);
  io.flag("accept_version_2", r.accept_version_2);
  io.flag("accept_vlek", r.accept_vlek);
  io.texts("csp_ids", r.csp_ids, kMostValues, kShort);
  io.flag("accept_without_crl", r.accept_without_crl);
  io.flag("accept_migration_agent", r.accept_migration_agent);
  io.flag("accept_smt", r.accept_smt);
  io.flag("accept_cxl", r.accept_cxl);
  io.terms("platform_info", r.platform_info, 64);
  io.integer("mitigations", r.mitigations, 0, kMaxCount);
  io.terms("host_data", r.host_data, kMostValues);
  io.terms("id_key_digests", r.id_key_digests, kMostValues);
  io.terms("author_key_digests", r.author_key_digests, kMostValues);
  io.terms("chip_ids", r.chip_ids, kMostValues);
}

template <typename Io>
void fields(Io& io, Of<Io, AcceptedTcb> r) {
  io.term("status", r.status);
  io.texts("advisories", r.advisories, kMostValues, kShort);
}

template <typename Io>
void fields(Io& io, Of<Io, DcapPolicy> r) {
  io.list("tcb", r.tcb, 16);
  io.integer("min_tcb_evaluation_data_number", r.min_tcb_evaluation_data_number, 0, UINT32_MAX);
  io.terms("ppids", r.ppids, kMostValues);
  io.terms("platform_instances", r.platform_instances, kMostValues);
}

template <typename Io>
void fields(Io& io, Of<Io, TdMeasurement> r) {
  io.term("mrtd", r.mrtd);
  io.term("rtmr0", r.rtmr0);
  io.term("rtmr1", r.rtmr1);
  io.term("rtmr2", r.rtmr2);
  io.term("rtmr3", r.rtmr3);
}

template <typename Io>
void fields(Io& io, Of<Io, TdxPolicy> r) {
  io.list("measurements", r.measurements, kMostValues);
  io.object("platform", r.platform);
  io.terms("required_attributes", r.required_attributes, 64);
  io.terms("allowed_attributes", r.allowed_attributes, 64);
  io.terms("mr_service_tds", r.mr_service_tds, kMostValues);
  io.terms("mr_config_ids", r.mr_config_ids, kMostValues);
  io.terms("mr_owners", r.mr_owners, kMostValues);
  io.terms("mr_owner_configs", r.mr_owner_configs, kMostValues);
}

template <typename Io>
void fields(Io& io, Of<Io, SgxSigner> r) {
  io.term("mr_signer", r.mr_signer);
  io.count_or_null("isv_prod_id", r.isv_prod_id, UINT16_MAX);
  io.count_or_null("min_isv_svn", r.min_isv_svn, UINT16_MAX);
}

template <typename Io>
void fields(Io& io, Of<Io, SgxPolicy> r) {
  io.terms("mr_enclaves", r.mr_enclaves, kMostValues);
  io.list("signers", r.signers, kMostValues);
  io.object("platform", r.platform);
  io.terms("config_ids", r.config_ids, kMostValues);
}

template <typename Io>
void fields(Io& io, Of<Io, PcrValues> r) {
  io.integer("index", r.index, 0, 23);
  io.terms("values", r.values, kMostValues);
}

template <typename Io>
void fields(Io& io, Of<Io, TpmPolicy> r) {
  io.terms("ak_names", r.ak_names, kMostValues);
  io.list("pcrs", r.pcrs, 24);
}

template <typename Io>
void fields(Io& io, Of<Io, AzureSnpPolicy> r) {
  io.object("hardware", r.hardware);
  io.list("pcrs", r.pcrs, 24);
  io.flag("accept_stale_hardware_report", r.accept_stale_hardware_report);
}

template <typename Io>
void fields(Io& io, Of<Io, AzureTdxPolicy> r) {
  io.object("hardware", r.hardware);
  io.list("pcrs", r.pcrs, 24);
  io.flag("accept_stale_hardware_report", r.accept_stale_hardware_report);
}

template <typename Io>
void fields(Io& io, Of<Io, Policy> r) {
  io.optional("snp", r.snp);
  io.optional("tdx", r.tdx);
  io.optional("sgx", r.sgx);
  io.optional("tpm", r.tpm);
  io.optional("azure_snp", r.azure_snp);
  io.optional("azure_tdx", r.azure_tdx);
  io.flag("accept_simulated", r.accept_simulated);
}

}  // namespace cloister::attest
