// cloister-audit: attacks the cuts of a model and says what came back. `cloister audit` starts it.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/options/model.h"
#include "app/options/policy.h"
#include "audit/attack/precision.h"
#include "audit/protocol/input_kinds.h"
#include "audit/protocol/run.h"
#include "base/parse_number.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/version.h"
#include "data/victim_train_json.h"
#include "engine/torch.h"
#include "report/report.h"
#include "tensor/npy.h"

namespace cloister {
namespace {

using namespace audit;

constexpr const char* kExamples = R"(
The data stands for what an attacker could have: a folder of pictures (classes as
sub-folders, or --labels), or a CSV table. The audit splits it into disjoint
parts; attackers learn from one and are scored on another. DIR gets report.html,
audit.json and gallery/; docs/audit.md explains the method.

Examples:
  cloister audit resnet18.onnx --data photos --size 64 --estimate
  cloister audit resnet18.onnx --data photos --size 64 -o audit
  cloister audit resnet18.onnx --data photos --size 64 -o audit --resume
  cloister audit mlp.onnx --data flows.csv --encoding encoding.json -o audit
  cloister audit net.onnx --data photos --cuts all -o audit --shard 0/3   1/3, 2/3
  cloister audit net.onnx --data photos --cuts all -o audit --merge

Exit codes: 0 done, whatever the verdict; 1 failed; 2 usage; 3 the folder belongs to
another audit; 130 or 143 stopped by a signal, --resume continues.)";

struct Options {
  ModelOptions model;
  std::string data, output, preprocess, labels, encoding, trained_on, second_model;
  std::string budget = "standard", shard, cuts = "auto";
  std::string attackers, drop, numeric, categorical, separator;
  std::vector<std::string> public_inputs;
  PolicyOptions policy;
  double cache_gb = 4;
  bool estimate = false, json = false, no_gallery = false;
  AuditOptions audit;
};

Result<uint64_t> number_of(std::string_view flag, std::string_view text) {
  if (const auto number = parse_number<uint64_t>(text)) return *number;
  return fail(Kind::kUsage, "{}: '{}' is not a number", flag, printable(text, 40));
}

Result<> parse_shard(const std::string& text, AuditOptions& options) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) {
    return fail(Kind::kUsage, "--shard: '{}', want i/n, i from 0", printable(text, 40));
  }
  TRY(shard, number_of("--shard", text.substr(0, slash)));
  TRY(shards, number_of("--shard", text.substr(slash + 1)));
  options.shard = shard;
  options.shards = shards;
  return {};
}

// "NAME=FILE.npy" each.
Result<> read_public_inputs(const std::vector<std::string>& texts, Options& options) {
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Kind::kUsage, "--public '{}': want NAME=FILE.npy", printable(text));
    }
    TRY(value, read_npy(text.substr(equals + 1)));
    options.model.public_inputs.push_back(text.substr(0, equals));
    options.audit.public_inputs.push_back({text.substr(0, equals), std::move(value)});
  }
  return {};
}

// What the command line says of policy and data, and files that it names.
Result<> fill_in(Options& options) {
  AuditOptions& audit = options.audit;
  const InputKind kind = input_kind(options.data);
  audit.policy = default_policy(protocol_of(kind).policy_metric);
  TRY_OK(apply(options.policy, audit.policy));
  audit.policy.seed = audit.seed;
  TRY(budget, find_budget(options.budget));
  audit.budget = budget;
  audit.attackers = options.attackers.empty() ? attacker_names() : names_in(options.attackers);
  audit.cuts = names_in(options.cuts);
  if (audit.cuts.empty()) return fail(Kind::kUsage, "--cuts: no cut");
  if (!options.shard.empty()) TRY_OK(parse_shard(options.shard, audit));
  audit.cache_bytes = static_cast<uint64_t>(options.cache_gb * 1e9);
  audit.gallery = !options.no_gallery;
  audit.out = options.output;
  audit.threads = options.model.threads;
  TRY_OK(read_public_inputs(options.public_inputs, options));

  DataOptions& data = audit.data;
  data.path = options.data;
  data.seed = audit.seed;
  if (!options.preprocess.empty()) {
    TRY(preprocess, find_preprocess(options.preprocess));
    data.preprocess = preprocess;
  }
  if (!options.labels.empty()) {
    data.images.labels = LabelsFrom::kCsv;
    data.images.csv = options.labels;
  }
  if (!options.encoding.empty()) {
    TRY(encoding, read_encoding(options.encoding));
    data.encoding = encoding;
  }
  TRY(separator, parse_separator(options.separator));
  data.table.separator = separator;
  data.images.separator = separator;
  if (data.encoding) data.encoding->table.separator = separator;
  data.table.drop = names_in(options.drop);
  data.table.numeric = names_in(options.numeric);
  data.table.categorical = names_in(options.categorical);
  if (!data.table.label.empty()) data.images.label_column = data.table.label;
  if (!options.trained_on.empty()) {
    TRY(trained_on, read_victim_train(options.trained_on));
    data.victim_train = trained_on;
  }
  if (!options.second_model.empty()) {
    TRY(links, options.model.links.read());
    TRY(second, read_model(options.second_model, links));
    audit.second_model = second;
  }
  return {};
}

// A batch that is fixed to 1 is made symbolic, since attackers work on batches.
Result<AuditModel> open_audited(ModelOptions& options, AuditRecord& frame) {
  TRY(model, read_model(options));
  frame.model.file = fs::path(options.path).filename().string();
  frame.model.sha256 = model.file_sha256;
  if (has_batch_of_one(model)) options.dynamic_batch = true;
  TRY(open, open_model(std::move(model), options));
  return AuditModel{std::move(open.graph), std::move(open.cuts)};
}

void print_estimate(const Estimate& estimate, bool json) {
  if (json) {
    nlohmann::ordered_json cuts = nlohmann::ordered_json::array();
    for (const Estimate::Cut& cut : estimate.cuts) {
      cuts.push_back({{"cut", cut.id}, {"seconds", cut.seconds}, {"disk_bytes", cut.disk_bytes}});
    }
    const nlohmann::ordered_json root{{"schema", "cloister/audit-estimate/1"},
                                      {"seconds", estimate.seconds},
                                      {"controls_seconds", estimate.controls_seconds},
                                      {"disk_bytes", estimate.disk_bytes},
                                      {"cuts", cuts}};
    fmt::print("{}\n", root.dump(2));
    return;
  }
  for (const Estimate::Cut& cut : estimate.cuts) {
    fmt::print("{:<10} {:>14}  {}\n", cut.id, duration_text(cut.seconds),
               cut.disk_bytes
                   ? fmt::format("{:.2f} GB on disk", static_cast<double>(cut.disk_bytes) / 1e9)
                   : "feature maps recomputed when needed");
  }
  fmt::print("controls   {:>14}\n", duration_text(estimate.controls_seconds));
  fmt::print("all        {:>14}  at most {:.2f} GB on disk\n", duration_text(estimate.seconds),
             static_cast<double>(estimate.disk_bytes) / 1e9);
}

void print_record(const AuditRecord& record) {
  for (const CutRecord& cut : record.cuts) {
    const CutVerdict& verdict = *cut.verdict;
    fmt::print("{:<10} {:>5.1f} % of the work  {:<12}  {}\n", cut.id, 100 * cut.macs_share,
               to_string(verdict.outcome), printable(verdict.sentence, 1000));
  }
  for (const std::string& note : record.notes) fmt::print("note: {}\n", printable(note, 1000));
}

cloister::Outcome run(Options& options) {
  TRY_OK(fill_in(options));
  if (options.output.empty() && !options.estimate) {
    return fail(Kind::kUsage, "-o DIR is missing: the folder for report.html and audit.json");
  }
  watch_interrupts();
  tune_for_training();
  AuditRecord frame;
  frame.tool = std::string("cloister ") + kVersion;
  frame.machine = machine_text();
  TRY(model, open_audited(options.model, frame));
  // Refuses devices that are not there, and sets the threads.
  TRY_OK(make_torch({.device = options.audit.device, .threads = options.model.threads}));

  Progress progress("audit", stderr);
  const ProgressCallback tick = [&](double share, const std::string& text) -> Result<> {
    if (interrupted()) {
      return fail(Kind::kIo, "stopped{}", options.estimate ? "" : "; --resume continues from here");
    }
    progress.update(share, text);
    return {};
  };
  const auto stopped = [&](const Error& error) -> cloister::Outcome {
    progress.finish();
    if (!interrupted()) return std::unexpected(error);
    fmt::print(stderr, "cloister audit: {}\n", error.message);
    return interrupt_exit_code();
  };
  if (options.estimate) {
    const auto estimate = estimate_audit(model, options.audit, frame, tick);
    if (!estimate) return stopped(estimate.error());
    progress.finish();
    print_estimate(*estimate, options.json);
    return 0;
  }
  const auto record = run_audit(model, options.audit, frame, tick);
  if (!record) return stopped(record.error());
  progress.finish();
  if (options.audit.shard) {
    fmt::print(stderr, "shard {}/{} is done; once all shards are, --merge makes audit.json\n",
               *options.audit.shard, options.audit.shards);
    return 0;
  }
  TRY_OK(write_file(options.audit.out / "audit.json", record_json(*record)));
  TRY(html, report::render_report({.audit = &*record}, options.audit.out));
  TRY_OK(write_file(options.audit.out / "report.html", html));
  if (options.json) {
    fmt::print("{}", record_json(*record));
  } else {
    print_record(*record);
  }
  return 0;
}

template <typename T>
CLI::Option* add(CLI::App& app, const char* group, const char* flag, const char* value, T& target,
                 const char* text) {
  return app.add_option(flag, target, text)->type_name(value)->group(group);
}

void declare(CLI::App& app, Options& o) {
  set_help_layout(app);
  app.footer(kExamples);
  AuditOptions& a = o.audit;
  o.model.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  app.add_option("MODEL", o.model.path, "an ONNX model with one input that is secret")->required();
  app.add_option("-o,--output", o.output, "where report.html, audit.json, gallery/ and work/ go")
      ->type_name("DIR");
  app.add_flag("--json", o.json, "print audit.json (or the estimate as JSON) to stdout");
  app.add_flag("--estimate", o.estimate, "only estimate the time and the disk space");
  o.model.links.add_to(app, "Options");

  const char* const data = "The data";
  std::vector<std::string_view> kinds;
  for (const InputKindInfo& info : kInputKinds) kinds.push_back(info.data);
  add(app, data, "--data", "PATH", o.data, fmt::format("{}", fmt::join(kinds, ", or ")).c_str())
      ->required();
  add(app, data, "--label", "COLUMN", a.data.table.label,
      "label's column in the table, or in --labels");
  add(app, data, "--labels", "CSV", o.labels,
      "labels of pictures: columns `file` and --label (label)");
  add(app, data, "--size", "N", a.data.size, "pixels per side at which pictures are attacked")
      ->check(CLI::Range(16, 1024));
  add(app, data, "--preprocess", "FILE", o.preprocess,
      "preprocess.json or a preset: the model's input format (imagenet)");
  add(app, data, "--encoding", "FILE", o.encoding,
      "a table's encoding, as written by `cloister train`");
  add(app, data, "--drop", "A,B", o.drop, "columns that the model does not see");
  add(app, data, "--numeric", "A,B", o.numeric, "columns that must be numbers");
  add(app, data, "--categorical", "A,B", o.categorical, "numeric columns to treat as categories");
  add(app, data, "--separator", "SIGN", o.separator,
      "between a table's cells: comma, semicolon, tab, ... (default: as the header shows)");
  add(app, data, "--public", "NAME=FILE", o.public_inputs,
      "an input that is no secret, and the .npy file of its value for all (repeatable)")
      ->allow_extra_args(false);
  add(app, data, "--trained-on", "FILE", o.trained_on,
      "the model's training inputs, kept out of the scores");
  add(app, data, "--second-model", "FILE", o.second_model,
      "another classifier: does it give reconstructions the original's class?");

  const char* const what = "What to attack, and how hard";
  add(app, what, "--cuts", "LIST", o.cuts, "auto (default), all, or cuts as `inspect` names them");
  const std::string attackers = fmt::format("some of {} (all)", fmt::join(attacker_names(), ", "));
  add(app, what, "--attackers", "LIST", o.attackers, attackers.c_str());
  add(app, what, "--budget", "NAME", o.budget, "quick, standard (default) or thorough");
  add(app, what, "--seed", "N", a.seed, "seed of splits, training and bounds (1)");

  const char* const policy = "The verdict";
  add(app, policy, "--threshold", "METRIC=X", o.policy.threshold,
      "ssim=0.3; for tables row_match_advantage=0.1");
  add(app, policy, "--statistic", "NAME", o.policy.statistic, "mean (default), p95 or worst");
  add(app, policy, "--n-min", "N", o.policy.n_min, "fewest held-out inputs for a verdict (500)");

  const char* const work = "The work";
  app.add_flag("--resume", a.resume, "continue a stopped audit")->group(work);
  add(app, work, "--shard", "I/N", o.shard, "do only this part of the jobs, I from 0");
  app.add_flag("--merge", a.merge, "make audit.json from the work of all shards")->group(work);
  add(app, work, "--device", "NAME", a.device, "cpu (default) or cuda");
  add(app, work, "--threads", "N", o.model.threads, "default: all cores")
      ->check(CLI::Range(1, 1024));
  add(app, work, "--cache-limit", "GB", o.cache_gb, "disk space for one cut's feature maps (4)")
      ->check(CLI::Range(0.0, 1e6));
  app.add_flag("--no-gallery", o.no_gallery, "store no pictures of the data")->group(work);
}

int main_with(int argc, char** argv) {
  const std::string who = "cloister audit";
  Options options;
  CLI::App app("Attack the cuts of a model, and measure how well its inputs can be rebuilt", who);
  declare(app, options);
  return parse_and_run(app, who, argc, argv, [&] { return run(options); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister audit", argc, argv, cloister::main_with);
}
