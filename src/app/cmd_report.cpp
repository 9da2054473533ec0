#include "app/commands.h"
#include "app/policy_options.h"
#include "app/text.h"
#include "audit/record.h"
#include "report/report.h"

namespace cloister {
namespace {

struct ReportOptions {
  std::string record;
  std::string output;
  PolicyOptions policy;
};

Outcome write_report(const ReportOptions& options) {
  TRY(record, audit::read_record(options.record));
  if (options.policy.any()) {
    audit::Policy policy = record.policy;
    TRY_OK(apply(options.policy, policy));
    TRY_OK(audit::judge_record(record, policy));
  }
  const fs::path folder = fs::path(options.record).parent_path();
  TRY(html, report::render_report(record, folder.empty() ? fs::path(".") : folder));
  TRY_OK(write_file(options.output, html));
  fmt::print("{}  {}\n", options.output, file_size_text(options.output));
  return 0;
}

}  // namespace

void add_report_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand(
      "report", "Show an audit as a page that opens offline, judged anew if asked");
  command->add_option("AUDIT", options->record, "audit.json; its pictures are looked for beside it")
      ->required();
  command->add_option("-o,--output", options->output, "the page to write")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--threshold", options->policy.threshold,
                   "judge again: METRIC=NUMBER, the leakage that is allowed (ssim=0.3)")
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
      "What is not given stays as the record has it. The record itself is left as it is.\n\n"
      "Examples:\n"
      "  cloister report audit.json -o report.html\n"
      "  cloister report audit.json -o strict.html --threshold ssim=0.2 --statistic p95");
  command->callback([options, &outcome] { outcome = write_report(*options); });
}

}  // namespace cloister
