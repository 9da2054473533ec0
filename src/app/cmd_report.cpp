#include "app/commands.h"
#include "app/options/policy.h"
#include "audit/record.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "cli/text.h"
#include "report/report.h"

namespace cloister {
namespace {

struct ReportOptions {
  std::string record;
  std::string profile;
  std::string plan;
  std::string output;
  PolicyOptions policy;
};

// A plan names the files that it was made from; with others the page would contradict itself.
Result<> check_made_from(const std::string& plan, const std::string& wanted,
                         const std::string& path, uint64_t max_bytes) {
  if (wanted.empty()) return {};
  TRY(text, read_file(path, max_bytes));
  const std::string found = to_hex(sha256(as_bytes(std::string_view(text))));
  if (found == wanted) return {};
  return invalid("'{}' was not made from '{}': SHA-256 {}, want {}", printable(plan),
                 printable(path), found, printable(wanted));
}

// What the audit is judged by: the plan's policy, or what flags change in its own.
Result<> judge(const ReportOptions& options, const std::optional<plan::Plan>& plan,
               audit::AuditRecord& record) {
  if (plan) {
    return plan->policy.leakage ? audit::judge_record(record, *plan->policy.leakage) : Result<>();
  }
  if (!options.policy.any()) return {};
  audit::Policy policy = record.policy;
  TRY_OK(apply(options.policy, policy));
  return audit::judge_record(record, policy);
}

Outcome write_report(const ReportOptions& options) {
  if (!options.plan.empty() && options.policy.any()) {
    return fail(Kind::kUsage,
                "--plan: the plan has its own policy; to judge by another, make a new plan with "
                "cloister plan");
  }
  TRY(record, audit::read_record(options.record));
  std::optional<profile::ProfileRecord> profile;
  if (!options.profile.empty()) {
    TRY(read, profile::read_profile(options.profile));
    profile = std::move(read);
  }
  std::optional<plan::Plan> plan;
  if (!options.plan.empty()) {
    TRY(read, plan::read_plan(options.plan));
    plan = std::move(read);
  }
  const report::Records records{
      .audit = &record, .profile = profile ? &*profile : nullptr, .plan = plan ? &*plan : nullptr};
  TRY_OK(report::check_records(records));
  if (plan) {
    TRY_OK(
        check_made_from(options.plan, plan->audit_sha256, options.record, audit::kMaxRecordBytes));
    if (profile) {
      TRY_OK(check_made_from(options.plan, plan->profile_sha256, options.profile,
                             profile::kMaxProfileBytes));
    }
  }
  TRY_OK(judge(options, plan, record));
  const fs::path folder = fs::path(options.record).parent_path();
  TRY(html, report::render_report(records, folder.empty() ? fs::path(".") : folder));
  TRY_OK(make_folder_of(options.output));
  TRY_OK(write_file(options.output, html));
  fmt::print("{}  {}\n", options.output, file_size_text(options.output));
  return 0;
}

}  // namespace

void add_report_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand(
      "report", "Write an audit, and optionally its plan, as one page that opens offline");
  command->add_option("AUDIT", options->record, "audit.json, with its pictures beside it")
      ->required();
  command->add_option("-o,--output", options->output, "the page to write")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--plan", options->plan,
                   "plan.json: the chosen cut, the reason, and the alternatives")
      ->type_name("FILE");
  command
      ->add_option("--profile", options->profile,
                   "profile.json: each cut's cost, and the network as a strip for picking cuts")
      ->type_name("FILE");
  command
      ->add_option("--threshold", options->policy.threshold,
                   "judge again: METRIC=NUMBER, the largest leakage allowed (ssim=0.3)")
      ->type_name("M=N");
  command
      ->add_option("--statistic", options->policy.statistic,
                   "judge again: mean, p95 or worst over the held-out inputs")
      ->type_name("NAME");
  command
      ->add_option("--n-min", options->policy.n_min,
                   "judge again: fewest held-out inputs for a verdict")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command->footer(
      "Values that are not given stay as recorded; with a plan, the plan's policy judges.\n"
      "The records themselves are not changed, and must be of the same model.\n\n"
      "Examples:\n"
      "  cloister report audit.json -o report.html\n"
      "  cloister report audit.json --plan plan.json --profile profile.json -o report.html\n"
      "  cloister report audit.json -o strict.html --threshold ssim=0.2 --statistic p95");
  command->callback([options, &outcome] { outcome = write_report(*options); });
}

}  // namespace cloister
