#include "attest/snp/guest_policy.h"

#include <array>

namespace cloister::attest {
namespace {

constexpr uint64_t kAlwaysOne = uint64_t{1} << 17;  // of POLICY
constexpr int kFirstUnknownPolicyBit = 26;

struct Component {
  std::string_view name;
  uint8_t SnpTcb::*version;
  std::optional<uint64_t> SnpMinimum::*minimum;
};

constexpr Component kFmc = {"fmc", &SnpTcb::fmc, &SnpMinimum::fmc};
constexpr Component kComponents[] = {{"bootloader", &SnpTcb::bootloader, &SnpMinimum::bootloader},
                                     {"tee", &SnpTcb::tee, &SnpMinimum::tee},
                                     {"snp", &SnpTcb::snp, &SnpMinimum::snp},
                                     {"microcode", &SnpTcb::microcode, &SnpMinimum::microcode}};

std::vector<Component> components(SnpProduct product) {
  std::vector<Component> all;
  if (product == SnpProduct::kTurin) all.push_back(kFmc);
  all.insert(all.end(), std::begin(kComponents), std::end(kComponents));
  return all;
}

const std::optional<SnpMinimum>& minimum_of(const SnpMinimums& minimums, SnpProduct product) {
  switch (product) {
    case SnpProduct::kMilan:
      return minimums.milan;
    case SnpProduct::kGenoa:
      return minimums.genoa;
    case SnpProduct::kTurin:
      return minimums.turin;
  }
  return minimums.milan;
}

struct NamedTcb {
  std::string_view name;
  SnpTcb tcb;
};

// Every component of the reported, committed and launch TCB is at its minimum.
void judge_min_tcb(Checks& checks, const SnpClaims& claims, const SnpPolicy& policy,
                   const std::string& field) {
  constexpr std::string_view kId = "snp.min_tcb";
  const SnpProduct product = *claims.product;
  const std::string name = fmt::format("{}.min_tcb.{}", field, to_string(product));
  const std::string found = tcb_text(claims.reported_tcb, product);
  const auto& minimum = minimum_of(policy.min_tcb, product);
  if (!minimum) {
    checks.judge(kId, false, found, "a product for which the policy has minimums", name);
    return;
  }
  const NamedTcb tcbs[] = {{"reported", claims.reported_tcb},
                           {"committed", claims.committed_tcb},
                           {"launch", claims.launch_tcb}};
  for (const Component& component : components(product)) {
    const std::string component_field = fmt::format("{}.{}", name, component.name);
    const auto& least = (*minimum).*component.minimum;
    if (!least) {
      checks.judge(kId, false, found, "the policy gives no minimum: nothing can satisfy it",
                   component_field);
      return;
    }
    for (const NamedTcb& tcb : tcbs) {
      const uint8_t version = tcb.tcb.*component.version;
      if (version >= *least) continue;
      checks.judge(kId, false, fmt::format("{} {} {}", tcb.name, component.name, version),
                   fmt::format("at least {}", *least), component_field);
      return;
    }
  }
  checks.judge(kId, true, found, "at least the policy's, component by component", name);
}

// Reported <= committed <= current, which the firmware upholds (SNP_CONFIG, SNP_COMMIT).
void judge_tcb_order(Checks& checks, const SnpClaims& claims) {
  const auto in_order = [&](const Component& c) {
    return claims.reported_tcb.*c.version <= claims.committed_tcb.*c.version &&
           claims.committed_tcb.*c.version <= claims.current_tcb.*c.version;
  };
  const SnpProduct product = *claims.product;
  checks.judge("snp.tcb_order", std::ranges::all_of(components(product), in_order),
               fmt::format("committed {}; current {}", tcb_text(claims.committed_tcb, product),
                           tcb_text(claims.current_tcb, product)),
               "reported at most committed, committed at most current");
}

void judge_platform(Checks& checks, const SnpReport& report, const SnpPolicy& policy,
                    const std::string& field) {
  std::string missing;
  for (const PlatformBit bit : policy.platform_info) {
    if ((report.platform_info >> static_cast<int>(bit) & 1) != 0) continue;
    missing += fmt::format("{}{}", missing.empty() ? "without " : ", ", to_string(bit));
  }
  checks.judge("snp.platform_info", missing.empty(),
               fmt::format("{:#x}{}{}", report.platform_info, missing.empty() ? "" : ", ", missing),
               fmt::format("all {} that the policy requires", policy.platform_info.size()),
               field + ".platform_info");
  if (policy.mitigations == 0) {
    return checks.not_applicable("snp.mitigations",
                                 fmt::format("the policy requires none ({}.mitigations)", field));
  }
  const uint64_t both =
      report.version >= 5 ? report.launch_mitigations & report.current_mitigations : 0;
  checks.judge("snp.mitigations", (both & policy.mitigations) == policy.mitigations,
               report.version >= 5 ? fmt::format("{:#x} at launch and now", both)
                                   : "none: reports before version 5 do not say",
               fmt::format("all of {:#x}", policy.mitigations), field + ".mitigations");
}

void judge_guest_policy(Checks& checks, const SnpReport& report, const SnpPolicy& policy,
                        const std::string& field) {
  const bool formed =
      (report.policy & kAlwaysOne) != 0 && report.policy >> kFirstUnknownPolicyBit == 0;
  const bool smt = !report.smt() || policy.accept_smt;
  const bool cxl = !report.cxl() || policy.accept_cxl;
  checks.judge("snp.guest_policy", formed && smt && cxl, fmt::format("{:#x}", report.policy),
               "bit 17 set, none above 25; no SMT and no CXL unless the policy accepts them",
               !formed ? "" : field + (smt && !cxl ? ".accept_cxl" : ".accept_smt"));
  checks.judge("snp.debug", !report.debug(), report.debug() ? "on" : "off",
               "off: the host could read its memory");
  checks.judge("snp.migration_agent", !report.migration_agent() || policy.accept_migration_agent,
               report.migration_agent() ? "allowed" : "not allowed",
               "not allowed, unless the policy accepts it", field + ".accept_migration_agent");
}

}  // namespace

std::string tcb_text(const SnpTcb& tcb, SnpProduct product) {
  std::string text;
  for (const Component& component : components(product)) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", component.name, tcb.*component.version);
  }
  return text;
}

void judge_snp_policy(Context& context, const SnpQuestion& question, const SnpReport& report) {
  Checks& checks = context.checks;
  const SnpPolicy& policy = question.policy;
  const std::string& field = question.field;
  // 10. It was made for this exchange.
  judge_report_data(checks, "snp.report_data", report.report_data, question.report_data);
  // 11. The guest's policy: no debugging, no migration.
  judge_guest_policy(checks, report, policy, field);
  // 12. The privilege level that asked for it.
  checks.judge("snp.vmpl", report.vmpl == policy.vmpl,
               report.vmpl == UINT32_MAX ? "the host asked" : fmt::format("{}", report.vmpl),
               fmt::format("{}", policy.vmpl), field + ".vmpl");
  // 13. The code.
  judge_one_of(checks, "snp.measurement", report.measurement, policy.measurements,
               field + ".measurements");
  checks.judge(
      "snp.guest_svn",
      report.guest_svn >= policy.min_guest_svn &&
          (policy.min_guest_svn == 0 || names_id_keys(policy)),
      fmt::format("{}", report.guest_svn),
      fmt::format("at least {}{}", policy.min_guest_svn,
                  policy.min_guest_svn == 0 ? "" : ", by an ID block whose key the policy names"),
      field + ".min_guest_svn");
  // 14. The firmware.
  if (checks.needs("snp.min_tcb", {"snp.product"})) {
    judge_min_tcb(checks, *context.claims.snp, policy, field);
  }
  if (checks.needs("snp.tcb_order", {"snp.product"})) judge_tcb_order(checks, *context.claims.snp);
  // 15. The platform's settings.
  judge_platform(checks, report, policy, field);
  // 16. What else the policy pins down.
  judge_pin(checks, "snp.host_data", report.host_data, policy.host_data, field + ".host_data");
  judge_pin(checks, "snp.id_key_digest", report.id_key_digest, policy.id_key_digests,
            field + ".id_key_digests");
  judge_pin(checks, "snp.author_key_digest", report.author_key_digest, policy.author_key_digests,
            field + ".author_key_digests");
  judge_pin(checks, "snp.chip_pin", report.chip_id, policy.chip_ids, field + ".chip_ids");
}

}  // namespace cloister::attest
