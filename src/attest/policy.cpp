#include "attest/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "attest/policy_fields.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::attest {
namespace {

using std::string;

Result<> must_have(bool there, const string& field, std::string_view what) {
  if (there) return {};
  return invalid("{}: missing, want {}", field, what);
}

Result<> check_minimum(const std::optional<SnpMinimum>& minimum, bool has_fmc,
                       const string& field) {
  if (!minimum) return {};
  const auto given = [&](const std::optional<uint64_t>& value, std::string_view name) {
    return must_have(value.has_value(), fmt::format("{}.{}", field, name), "a minimum version");
  };
  if (has_fmc) {
    TRY_OK(given(minimum->fmc, "fmc"));
  } else if (minimum->fmc) {
    return invalid("{}.fmc: {}, but only Turin has one", field, *minimum->fmc);
  }
  TRY_OK(given(minimum->bootloader, "bootloader"));
  TRY_OK(given(minimum->tee, "tee"));
  TRY_OK(given(minimum->snp, "snp"));
  return given(minimum->microcode, "microcode");
}

Result<> check_snp(const SnpPolicy& policy, const string& field) {
  TRY_OK(must_have(!policy.measurements.empty(), field + ".measurements", "launch digests"));
  TRY_OK(must_have(!policy.accept_vlek || !policy.csp_ids.empty(), field + ".csp_ids",
                   "the clouds whose VLEKs are accepted"));
  const SnpMinimums& min = policy.min_tcb;
  TRY_OK(must_have(min.milan || min.genoa || min.turin, field + ".min_tcb",
                   "the minimums of a product"));
  TRY_OK(check_minimum(min.milan, false, field + ".min_tcb.milan"));
  TRY_OK(check_minimum(min.genoa, false, field + ".min_tcb.genoa"));
  TRY_OK(check_minimum(min.turin, true, field + ".min_tcb.turin"));
  if (policy.min_guest_svn == 0 || names_id_keys(policy)) return {};
  return invalid(
      "{}.min_guest_svn: {} means nothing without {}.id_key_digests or "
      "author_key_digests that are not zero: the host chooses the ID block",
      field, policy.min_guest_svn, field);
}

Result<> check_platform(const DcapPolicy& policy, const string& field) {
  std::set<TcbStatus> seen;
  for (size_t i = 0; i < policy.tcb.size(); ++i) {
    const TcbStatus status = policy.tcb[i].status;
    const string name = fmt::format("{}.tcb[{}].status", field, i);
    if (status == TcbStatus::kRevoked || status == TcbStatus::kNotSupported) {
      return invalid("{}: '{}' can't be accepted", name, to_string(status));
    }
    if (!seen.insert(status).second) {
      return invalid("{}: '{}' occurs twice", name, to_string(status));
    }
  }
  return {};
}

Result<> check_tdx(const TdxPolicy& policy, const string& field) {
  TRY_OK(must_have(!policy.measurements.empty(), field + ".measurements", "measurements of a TD"));
  for (size_t i = 0; i < policy.measurements.size(); ++i) {
    const TdMeasurement& td = policy.measurements[i];
    const string name = fmt::format("{}.measurements[{}]", field, i);
    TRY_OK(must_have(td.mrtd.value.has_value(), name + ".mrtd", "96 hexadecimal digits"));
    const std::pair<std::string_view, const ExpectedMeasurement*> rtmrs[] = {
        {"rtmr0", &td.rtmr0}, {"rtmr1", &td.rtmr1}, {"rtmr2", &td.rtmr2}, {"rtmr3", &td.rtmr3}};
    for (const auto& [key, expected] : rtmrs) {
      TRY_OK(must_have(expected->any || expected->value, fmt::format("{}.{}", name, key),
                       "96 hexadecimal digits or \"any\""));
    }
  }
  return check_platform(policy.platform, field + ".platform");
}

Result<> check_sgx(const SgxPolicy& policy) {
  TRY_OK(must_have(!policy.mr_enclaves.empty() || !policy.signers.empty(), "tee.sgx.mr_enclaves",
                   "enclaves, here or in tee.sgx.signers"));
  for (size_t i = 0; i < policy.signers.size(); ++i) {
    const SgxSigner& signer = policy.signers[i];
    const string name = fmt::format("tee.sgx.signers[{}]", i);
    TRY_OK(must_have(!signer.mr_signer.is_zero(), name + ".mr_signer", "64 hexadecimal digits"));
    TRY_OK(must_have(signer.isv_prod_id.has_value(), name + ".isv_prod_id", "a product"));
    TRY_OK(must_have(signer.min_isv_svn.has_value(), name + ".min_isv_svn", "a smallest version"));
  }
  return check_platform(policy.platform, "tee.sgx.platform");
}

Result<> check_pcrs(const std::vector<PcrValues>& pcrs, const string& field) {
  TRY_OK(must_have(!pcrs.empty(), field, "registers and their values"));
  std::set<uint64_t> seen;
  for (size_t i = 0; i < pcrs.size(); ++i) {
    const string name = fmt::format("{}[{}]", field, i);
    TRY_OK(must_have(!pcrs[i].values.empty(), name + ".values", "values"));
    if (pcrs[i].index > 23) return invalid("{}.index: {}, want 0 to 23", name, pcrs[i].index);
    if (!seen.insert(pcrs[i].index).second) {
      return invalid("{}.index: {} occurs twice", name, pcrs[i].index);
    }
  }
  return {};
}

}  // namespace

string to_string(const ExpectedMeasurement& expected) {
  if (expected.any) return "any";
  return expected.value ? to_string(*expected.value) : "";
}

Result<> from_string(std::string_view text, ExpectedMeasurement& out) {
  out = {};
  out.any = text == "any";
  return out.any ? Result<>{} : from_string(text, out.value.emplace());
}

bool names_id_keys(const SnpPolicy& policy) {
  const auto& authors = policy.author_key_digests;
  return !policy.id_key_digests.empty() ||
         (!authors.empty() && std::ranges::none_of(authors, &Fixed<48>::is_zero));
}

Result<> check_policy(const Policy& policy) {
  if (policy.snp) TRY_OK(check_snp(*policy.snp, "tee.snp"));
  if (policy.tdx) TRY_OK(check_tdx(*policy.tdx, "tee.tdx"));
  if (policy.sgx) TRY_OK(check_sgx(*policy.sgx));
  if (policy.tpm) {
    TRY_OK(must_have(!policy.tpm->ak_names.empty(), "tee.tpm.ak_names", "names of keys"));
    TRY_OK(check_pcrs(policy.tpm->pcrs, "tee.tpm.pcrs"));
  }
  if (policy.azure_snp) {
    TRY_OK(check_snp(policy.azure_snp->hardware, "tee.azure_snp.hardware"));
    TRY_OK(check_pcrs(policy.azure_snp->pcrs, "tee.azure_snp.pcrs"));
  }
  if (policy.azure_tdx) {
    TRY_OK(check_tdx(policy.azure_tdx->hardware, "tee.azure_tdx.hardware"));
    TRY_OK(check_pcrs(policy.azure_tdx->pcrs, "tee.azure_tdx.pcrs"));
  }
  const bool accepts = policy.snp || policy.tdx || policy.sgx || policy.tpm || policy.azure_snp ||
                       policy.azure_tdx || policy.accept_simulated;
  if (!accepts) return invalid("tee: no kind of evidence is accepted");
  return {};
}

string policy_json(const Policy& policy) {
  return write_json_record(policy);
}

Result<Policy> parse_policy(std::string_view json) {
  const auto parse = [&]() -> Result<Policy> {
    TRY(root, parse_strict_json(json, kMaxTeePolicyBytes));
    Policy policy;
    RecordReader reader(RecordReader::Missing::kDefaults);
    reader.read(root, policy);
    if (reader.error()) return std::unexpected(*reader.error());
    return policy;
  };
  auto parsed = parse();
  if (!parsed) return with_context(parsed.error(), "tee");
  TRY_OK(check_policy(*parsed));
  return parsed;
}

}  // namespace cloister::attest
