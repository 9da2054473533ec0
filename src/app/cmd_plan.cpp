#include <algorithm>

#include "app/commands.h"
#include "app/options/policy.h"
#include "app/plan_text.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "cli/version.h"
#include "plan/device.h"

namespace cloister {
namespace {

constexpr const char* kPlanFooter =
    R"(The policy sets limits on what a cut may leak and what a plan may cost, and the
objective. Fields that neither it nor a flag sets keep their defaults. A plan never
relies on what was not measured: a cut that the audit leaves out does not qualify.

Describe a device that is not at hand by NAME=profile.json, of the same model and
measured elsewhere, or by NAME=flops=F,bytes=B,link=L,latency=S from its data sheet:
operations, bytes of memory and link bytes per second, seconds per message. Times
from a data sheet are the shortest possible.

Examples:
  cloister plan net.onnx --profile profile.json --audit audit.json -o plan.json
  cloister plan net.onnx --profile p.json --audit a.json --threshold ssim=0.34
  cloister plan net.onnx --profile p.json --audit a.json \
      --device gpu=flops=60T,bytes=3T,link=12G,latency=20e-6
  cloister plan --print-policy > plan-policy.json

Exit codes: 0 done; 1 failed; 2 usage; 3 no cut may be served; the plan is written
and keeps the whole model trusted.)";

struct PlanOptions {
  std::string model, profile, audit, policy, output;
  PolicyOptions leakage;
  std::vector<std::string> devices;
  bool json = false, all = false, print_policy = false;
};

struct Digested {
  std::string text;
  std::string sha256;
};

Result<Digested> read_digested(const std::string& path, uint64_t max_bytes) {
  TRY(text, read_file(path, max_bytes));
  const std::string digest = to_hex(sha256(as_bytes(std::string_view(text))));
  return Digested{std::move(text), digest};
}

std::string quoted(const std::string& path) {
  return fmt::format("'{}'", printable(path, 400));
}

Result<> add_device(profile::ProfileRecord& profile, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return fail(Kind::kUsage, "--device '{}', want NAME=FILE or NAME=flops=...",
                printable(text, 80));
  }
  const std::string name = text.substr(0, equals);
  const std::string what = text.substr(equals + 1);
  // A data sheet's numbers; no profile is called "flops=...".
  const std::string key = what.substr(0, what.find('='));
  const bool sheet =
      what.contains('=') && (key == "flops" || key == "bytes" || key == "link" || key == "latency");
  Result<> added;
  if (sheet) {
    const auto roofline = plan::parse_roofline(what);
    added =
        roofline ? plan::add_device(profile, name, *roofline) : std::unexpected(roofline.error());
  } else {
    const auto elsewhere = profile::read_profile(what);
    added = elsewhere ? plan::add_device(profile, name, *elsewhere)
                      : std::unexpected(elsewhere.error());
  }
  if (!added) return with_context(added.error(), fmt::format("--device {}", printable(name, 40)));
  return {};
}

// What file and flags say. Flags change the file's leakage, or the defaults for the audit's metric.
Result<plan::PlanPolicy> policy_of(const PlanOptions& options, const audit::AuditRecord* audit) {
  plan::PlanPolicy policy;
  if (!options.policy.empty()) {
    TRY(read, plan::read_policy(options.policy));
    policy = read;
  }
  if (!options.leakage.any()) return policy;
  if (!policy.leakage) {
    policy.leakage =
        audit::default_policy(audit == nullptr ? audit::Metric::kSsim : audit->policy.metric);
  }
  TRY_OK(apply(options.leakage, *policy.leakage));
  if (const auto checked = plan::check_policy(policy); !checked) {
    return fail(Kind::kUsage, "{}", checked.error().message);
  }
  return policy;
}

struct Records {
  profile::ProfileRecord profile;
  std::string profile_sha256;
  std::optional<audit::AuditRecord> audit;
  std::string audit_sha256;
};

Result<> read_audit(const PlanOptions& options, Records& records) {
  if (options.audit.empty()) return {};
  TRY(file, read_digested(options.audit, audit::kMaxRecordBytes));
  auto audit = audit::parse_record(file.text);
  if (!audit) return with_context(audit.error(), quoted(options.audit));
  records.audit = *std::move(audit);
  records.audit_sha256 = file.sha256;
  return {};
}

Result<> read_profile(const PlanOptions& options, Records& records) {
  TRY(model, MappedFile::open(options.model));
  const std::string model_sha256 = to_hex(sha256(model->bytes()));
  TRY(file, read_digested(options.profile, profile::kMaxProfileBytes));
  auto profile = profile::parse_profile(file.text);
  if (!profile) return with_context(profile.error(), quoted(options.profile));
  if (profile->model_sha256 != model_sha256) {
    return invalid("{} is of another model: SHA-256 {}, want {}", quoted(options.profile),
                   printable(profile->model_sha256, 12), printable(model_sha256, 12));
  }
  records.profile = *std::move(profile);
  records.profile_sha256 = file.sha256;
  for (const std::string& device : options.devices) TRY_OK(add_device(records.profile, device));
  return {};
}

Outcome make_plan(const PlanOptions& options) {
  if (!options.print_policy) {
    if (options.model.empty()) return fail(Kind::kUsage, "MODEL is required");
    if (options.profile.empty()) return fail(Kind::kUsage, "--profile is required");
  }
  Records records;
  TRY_OK(read_audit(options, records));
  const audit::AuditRecord* audit = records.audit ? &*records.audit : nullptr;
  TRY(policy, policy_of(options, audit));
  if (options.print_policy) {
    fmt::print("{}", plan::policy_json(
                         policy, audit == nullptr ? audit::Metric::kSsim : audit->policy.metric));
    return 0;
  }
  TRY_OK(read_profile(options, records));
  if (audit != nullptr && audit->model.sha256 != records.profile.model_sha256) {
    fmt::print(stderr, "cloister plan: warning: {} is of another model, so no cut qualifies\n",
               quoted(options.audit));
  }
  const plan::PlanInputs evidence{&records.profile, audit, records.profile_sha256,
                                  records.audit_sha256};
  TRY(plan, plan::make_plan(evidence, policy, std::string("cloister ") + kVersion));
  const std::string json = plan::plan_json(plan);
  if (!options.output.empty()) {
    TRY_OK(make_folder_of(options.output));
    TRY_OK(write_file(options.output, json));
  }
  fmt::print("{}", options.json ? json : plan_text(plan, options.all));
  if (!plan.safe_cut) {
    return fail(Kind::kRefused, "no cut may be served under this policy; the plan is all trusted");
  }
  return 0;
}

}  // namespace

void add_plan_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand(
      "plan", "Choose the cut to serve, from measured cost, measured leakage and your policy");
  command->add_option("MODEL", options->model, "the ONNX file from which both records were made");
  command->add_option("--profile", options->profile, "measured cost of the cuts: profile.json")
      ->type_name("FILE");
  command
      ->add_option("--audit", options->audit,
                   "measured leakage of the cuts: audit.json; without it no cut qualifies")
      ->type_name("FILE");
  command->add_option("--policy", options->policy, "your policy: plan-policy.json")
      ->type_name("FILE");
  command
      ->add_option("--threshold", options->leakage.threshold,
                   "METRIC=NUMBER, the largest leakage allowed (ssim=0.3)")
      ->type_name("M=N");
  command
      ->add_option("--statistic", options->leakage.statistic,
                   "leakage statistic: mean, p95 or worst over the held-out inputs")
      ->type_name("NAME");
  command->add_option("--n-min", options->leakage.n_min, "fewest held-out inputs for a verdict")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--device", options->devices,
                   "a device that is not at hand, measured elsewhere or described (repeatable)")
      ->type_name("NAME=FILE|SPEC")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("-o,--output", options->output, "write plan.json")->type_name("FILE");
  command->add_flag("--json", options->json, "print the plan as JSON");
  command->add_flag("--all", options->all, "also list plans that others dominate");
  command->add_flag("--print-policy", options->print_policy,
                    "print the policy with every default filled in, and exit");
  command->footer(kPlanFooter);
  command->callback([options, &outcome] { outcome = make_plan(*options); });
}

}  // namespace cloister
