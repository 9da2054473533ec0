#include <fmt/ranges.h>

#include <set>

#include "attest/dcap/verifier.h"

namespace cloister::attest {

// 7 to 10. The platform's TCB.
void DcapVerifier::judge_platform() {
  const DcapPolicy& policy = question_.policy;
  // 7. The TCB info is of this platform.
  if (!extension_ || !tcb_info_) {
    checks_.needs("dcap.platform", {"dcap.pck_extension", "dcap.tcb_info"});
  } else {
    checks_.judge("dcap.platform",
                  extension_->fmspc == tcb_info_->fmspc && extension_->pce_id == tcb_info_->pce_id,
                  fmt::format("FMSPC {}, PCEID {}", to_string(extension_->fmspc),
                              to_string(extension_->pce_id)),
                  fmt::format("the TCB info's: FMSPC {}, PCEID {}", to_string(tcb_info_->fmspc),
                              to_string(tcb_info_->pce_id)));
  }
  judge_module();
  judge_status();
  if (!extension_) {
    checks_.needs("dcap.ppid_pin", {"dcap.pck_extension"});
    checks_.needs("dcap.platform_instance_pin", {"dcap.pck_extension"});
    return;
  }
  judge_pin(checks_, "dcap.ppid_pin", extension_->ppid, policy.ppids, question_.field + ".ppids");
  judge_pin(checks_, "dcap.platform_instance_pin",
            extension_->platform_instance.value_or(Fixed<16>{}), policy.platform_instances,
            question_.field + ".platform_instances");
}

// 8. The TDX module is Intel's.
void DcapVerifier::judge_module() {
  if (!question_.tdx) return checks_.not_applicable("dcap.module", "SGX has none");
  if (!tcb_info_) {
    checks_.needs("dcap.module", {"dcap.tcb_info"});
    return;
  }
  const auto module = module_identity(*tcb_info_, *quote_->td);
  second_td_ = by_second_svn(*quote_->td);
  const auto second = second_td_ ? module_identity(*tcb_info_, *second_td_) : module;
  const auto name = [](const ModuleIdentity* identity) {
    return identity->id.empty() ? std::string("version 0") : identity->id;
  };
  std::string found = module ? name(*module) : "";
  if (module && second && *second != *module) found += ", then " + name(*second);
  checks_.judge("dcap.module", outcome_of(module ? second : module), found,
                "an identity of the TCB info");
  if (module) module_ = *module;
  if (second) second_module_ = *second;
}

// 9, 10. The level reached, and what the other parts make of it.
void DcapVerifier::judge_status() {
  constexpr std::string_view kId = "dcap.tcb_status";
  if (!extension_ || !tcb_info_ || !qe_identity_) {
    checks_.needs(kId, {"dcap.pck_extension", "dcap.tcb_info", "dcap.qe_identity"});
    return;
  }
  if (!checks_.needs(kId, {"dcap.platform", "dcap.module"})) return;
  DcapClaims& claims = *context_.claims.dcap;
  const TdReport* const td = quote_->td ? &*quote_->td : nullptr;
  PlatformTcb reached = platform_tcb(*tcb_info_, *extension_, td, module_);
  if (second_td_) {
    reached = worse(std::move(reached),
                    platform_tcb(*tcb_info_, *extension_, &*second_td_, second_module_));
  }
  claims.platform_status = reached.platform;
  claims.module_status = reached.module;
  claims.tcb_date = reached.date;
  TcbStatus status = converge(reached.platform, *claims.qe_status);
  if (reached.module) status = converge(status, *reached.module);
  std::set<std::string> advisories(reached.advisories.begin(), reached.advisories.end());
  if (qe_level_) advisories.insert(qe_level_->advisories.begin(), qe_level_->advisories.end());
  claims.tcb_status = status;
  claims.advisories.assign(advisories.begin(), advisories.end());

  // UpToDate with nothing to tolerate, or as the policy says. Revoked and not supported: never.
  const bool never = status == TcbStatus::kRevoked || status == TcbStatus::kNotSupported;
  std::vector<std::string> tolerated;
  bool accepted = status == TcbStatus::kUpToDate;
  for (const AcceptedTcb& entry : question_.policy.tcb) {
    if (entry.status != status) continue;
    accepted = true;
    tolerated.insert(tolerated.end(), entry.advisories.begin(), entry.advisories.end());
  }
  std::vector<std::string> others;
  std::ranges::copy_if(claims.advisories, std::back_inserter(others), [&](const std::string& id) {
    return std::ranges::find(tolerated, id) == tolerated.end();
  });
  std::string found(to_string(status));
  if (!claims.advisories.empty()) found += fmt::format(" ({})", fmt::join(claims.advisories, ", "));
  const std::string why = never       ? "a status that can be accepted"
                          : !accepted ? "UpToDate, or a status that the policy accepts"
                          : others.empty()
                              ? "accepted, with its advisories"
                              : fmt::format("a policy that tolerates {}", fmt::join(others, ", "));
  checks_.judge(kId, !never && accepted && others.empty(), found, why, question_.field + ".tcb");
}

}  // namespace cloister::attest
