#include "attest/dcap/tdx.h"

#include "attest/dcap/dcap.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kTdxChecks[] = {
    "tdx.report_data",   "tdx.debug",        "tdx.attributes", "tdx.measurement",
    "tdx.mr_service_td", "tdx.mr_config_id", "tdx.mr_owner",   "tdx.mr_owner_config"};

TdxClaims claims_of(const TdReport& td) {
  TdxClaims claims;
  claims.mrtd = td.mrtd;
  claims.rtmr = td.rtmr;
  claims.mr_config_id = td.mr_config_id;
  claims.mr_owner = td.mr_owner;
  claims.mr_owner_config = td.mr_owner_config;
  claims.mr_seam = td.mr_seam;
  claims.mr_signer_seam = td.mr_signer_seam;
  claims.mr_service_td = td.mr_service_td;
  claims.tee_tcb_svn = td.tee_tcb_svn;
  claims.tee_tcb_svn2 = td.tee_tcb_svn2;
  claims.seam_attributes = td.seam_attributes;
  claims.attributes = td.attributes;
  claims.xfam = td.xfam;
  claims.debug = (td.attributes & 1) != 0;
  return claims;
}

uint64_t mask_of(const std::vector<TdAttribute>& attributes) {
  uint64_t mask = 0;
  for (const TdAttribute attribute : attributes) mask |= uint64_t{1} << static_cast<int>(attribute);
  return mask;
}

bool matches(const ExpectedMeasurement& expected, const Fixed<48>& found) {
  return expected.any || (expected.value && same_bytes(expected.value->view(), found.view()));
}

// Which register a measurement in the policy differs in; "" for none.
std::string_view difference(const TdMeasurement& want, const TdReport& td) {
  if (!want.mrtd.value || !matches({want.mrtd.value, false}, td.mrtd)) return "mrtd";
  if (!matches(want.rtmr0, td.rtmr[0])) return "rtmr0";
  if (!matches(want.rtmr1, td.rtmr[1])) return "rtmr1";
  if (!matches(want.rtmr2, td.rtmr[2])) return "rtmr2";
  if (!matches(want.rtmr3, td.rtmr[3])) return "rtmr3";
  return "";
}

void judge_measurement(Checks& checks, const TdReport& td, const TdxPolicy& policy,
                       const std::string& field) {
  const std::string found = fmt::format(
      "MRTD {}, RTMR0 {}, RTMR1 {}, RTMR2 {}, RTMR3 {}", to_string(td.mrtd), to_string(td.rtmr[0]),
      to_string(td.rtmr[1]), to_string(td.rtmr[2]), to_string(td.rtmr[3]));
  std::string nearest = field + ".measurements";
  for (size_t i = 0; i < policy.measurements.size(); ++i) {
    const std::string_view differs = difference(policy.measurements[i], td);
    if (differs.empty()) {
      checks.judge("tdx.measurement", true, found, "one of the policy's",
                   fmt::format("{}.measurements[{}]", field, i));
      return;
    }
    // With the firmware right, say which of its measurements is not.
    if (differs != "mrtd" || policy.measurements.size() == 1) {
      nearest = fmt::format("{}.measurements[{}].{}", field, i, differs);
    }
  }
  checks.judge("tdx.measurement", false, found,
               fmt::format("one of {} in the policy", policy.measurements.size()), nearest);
}

}  // namespace

std::span<const std::string_view> tdx_checks() {
  return kTdxChecks;
}

void verify_tdx(Context& context, const TdxQuestion& question) {
  Checks& checks = context.checks;
  const TdxPolicy& policy = question.policy;
  const std::string& field = question.field;
  const auto quote =
      verify_dcap(context, {question.quote, true, policy.platform, field + ".platform"});
  if (!quote) return;
  const TdReport& td = *quote->td;
  context.claims.tdx = claims_of(td);
  context.claims.report_data = td.report_data;
  // 11. It was made for this exchange.
  judge_report_data(checks, "tdx.report_data", td.report_data, question.report_data);
  // 12. No debugging; the other bits of the first byte are reserved and belong with it.
  checks.judge("tdx.debug", (td.attributes & 0xff) == 0, fmt::format("{:#x}", td.attributes & 0xff),
               "0: the host could read its memory");
  // 13. The other attributes, bit by bit.
  const uint64_t required = mask_of(policy.required_attributes);
  const uint64_t allowed = required | mask_of(policy.allowed_attributes) | 0xff;
  const bool has_required = (td.attributes & required) == required;
  checks.judge("tdx.attributes", has_required && (td.attributes & ~allowed) == 0,
               fmt::format("{:#x}", td.attributes),
               fmt::format("all of {:#x}, none outside {:#x}", required, allowed),
               field + (has_required ? ".allowed_attributes" : ".required_attributes"));
  // 14. The code.
  judge_measurement(checks, td, policy, field);
  // 15. No service TD that could migrate it, but those named.
  judge_zero_or(checks, "tdx.mr_service_td", td.mr_service_td, policy.mr_service_tds,
                field + ".mr_service_tds");
  // 16. What else the policy pins down.
  judge_pin(checks, "tdx.mr_config_id", td.mr_config_id, policy.mr_config_ids,
            field + ".mr_config_ids");
  judge_pin(checks, "tdx.mr_owner", td.mr_owner, policy.mr_owners, field + ".mr_owners");
  judge_pin(checks, "tdx.mr_owner_config", td.mr_owner_config, policy.mr_owner_configs,
            field + ".mr_owner_configs");
}

}  // namespace cloister::attest
