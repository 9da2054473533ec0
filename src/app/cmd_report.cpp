#include "app/commands.h"
#include "app/text.h"
#include "audit/record.h"
#include "report/report.h"

namespace cloister {
namespace {

struct ReportOptions {
  std::string record;
  std::string output;
  std::string threshold;
  std::string statistic;
  std::optional<uint64_t> n_min;
};

// "ssim=0.3": a metric and its threshold. The gates of another metric are in another unit, so its
// defaults come with it.
Result<> set_threshold(std::string_view text, audit::Policy& policy) {
  const size_t equals = text.find('=');
  const std::string number(equals == std::string_view::npos ? "" : text.substr(equals + 1));
  char* end = nullptr;
  const double threshold = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0') {
    return fail(Kind::kUsage, "--threshold '{}', want METRIC=NUMBER, such as ssim=0.3",
                printable(text, 40));
  }
  TRY(metric, audit::parse_metric(text.substr(0, equals)));
  if (metric != policy.metric) {
    const audit::Policy fresh = audit::default_policy(metric);
    policy.metric = metric;
    policy.positive_control = fresh.positive_control;
    policy.negative_control = fresh.negative_control;
    policy.data_gain = fresh.data_gain;
  }
  policy.threshold = threshold;
  return {};
}

Result<> judge_again(const ReportOptions& options, audit::AuditRecord& record) {
  audit::Policy policy = record.policy;
  if (!options.threshold.empty()) TRY_OK(set_threshold(options.threshold, policy));
  if (!options.statistic.empty()) {
    TRY(statistic, audit::parse_statistic(options.statistic));
    policy.statistic = statistic;
  }
  if (options.n_min) policy.n_min = *options.n_min;
  return audit::judge_record(record, policy);
}

Outcome write_report(const ReportOptions& options) {
  TRY(record, audit::read_record(options.record));
  if (!options.threshold.empty() || !options.statistic.empty() || options.n_min) {
    TRY_OK(judge_again(options, record));
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
      ->add_option("--threshold", options->threshold,
                   "judge again: METRIC=NUMBER, the leakage that is allowed (ssim=0.3)")
      ->type_name("M=N");
  command
      ->add_option("--statistic", options->statistic,
                   "judge again: mean, p95 or worst over the held-out inputs")
      ->type_name("NAME");
  command
      ->add_option("--n-min", options->n_min, "judge again: fewest held-out inputs for a verdict")
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
