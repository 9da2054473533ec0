#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/arrays.h"
#include "app/classes.h"
#include "app/commands.h"
#include "app/options/model.h"
#include "engine/random_inputs.h"
#include "engine/segments.h"
#include "image/labels.h"

namespace cloister {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct RunOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::optional<uint64_t> random_seed;
  int64_t batch = 1;
  std::vector<std::string> cuts;
  bool compare = false;
  std::string output;
  std::string labels;
  int top = 5;
  bool json = false;
};

struct Timed {
  std::vector<NamedTensor> outputs;
  double ms = 0;
};

Result<Timed> run_timed(const LoadedModel& model, const std::vector<NamedTensor>& inputs) {
  const auto start = Clock::now();
  TRY(outputs, model.run(inputs));
  const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start;
  return Timed{std::move(outputs), elapsed.count()};
}

Result<std::vector<NamedTensor>> gather_inputs(const RunOptions& options,
                                               const std::vector<TensorSpec>& specs) {
  if (options.random_seed) return random_inputs(specs, options.batch, *options.random_seed);
  TRY(inputs, read_inputs(options.inputs, specs));
  // Names and shapes are checked before anything runs.
  TRY(ordered, order_inputs(specs, inputs));
  TRY_OK(check_inputs(specs, ordered));
  return std::move(inputs);
}

json difference_json(const Difference& difference) {
  return {{"identical", difference.identical},
          {"max_abs", difference.max_abs},
          {"max_relative", difference.relative()}};
}

void print_report(const json& report, const std::vector<NamedTensor>& outputs) {
  print_outputs(outputs);
  print_top_classes(report.value("top", json::array()));
  if (report.contains("difference")) {
    const json& difference = report["difference"];
    fmt::print("{}\n", difference["identical"].get<bool>()
                           ? std::string("segments and whole model: bit-identical")
                           : fmt::format("segments and whole model differ: largest absolute "
                                         "difference {:.3g}, relative to the largest value {:.3g}",
                                         difference["max_abs"].get<double>(),
                                         difference["max_relative"].get<double>()));
  }
}

Outcome run_model(const RunOptions& options) {
  if (options.inputs.empty() == !options.random_seed) {
    return fail(Kind::kUsage, "give either --input or --random");
  }
  if (options.compare && options.cuts.empty()) {
    return fail(Kind::kUsage, "--compare needs a --cut to compare the whole model with");
  }
  // What can go wrong with the command line goes wrong before anything runs.
  TRY_OK(check_cut_count(options.cuts));
  if (!options.output.empty()) TRY_OK(check_output_name(options.output));
  std::vector<std::string> labels;
  if (!options.labels.empty()) {
    TRY(read, read_labels(options.labels));
    labels = std::move(read);
  }
  TRY(engine, open_engine(options.model));
  TRY(model, open_model(options.model));
  TRY(cuts, find_cuts(model, options.cuts));
  // The whole model also says what inputs fit, so it is loaded unless only segments may run.
  TRY(whole, load_cut_model(*engine, model.graph));
  TRY(inputs, gather_inputs(options, whole.segments[0]->inputs()));
  json report;
  Timed result;
  if (cuts.empty() || options.compare) {
    TRY(ran, run_timed(whole, inputs));
    result = std::move(ran);
    report["whole_ms"] = result.ms;
  }
  if (!cuts.empty()) {
    TRY(segments, load_cut_model(*engine, model.graph, cuts));
    TRY(ran, run_timed(segments, inputs));
    report["cuts"] = json::array();
    for (const Cut& cut : cuts) report["cuts"].push_back(cut.id);
    report["segments_ms"] = ran.ms;
    if (options.compare) {
      TRY(difference, compare_outputs(ran.outputs, result.outputs));
      report["difference"] = difference_json(difference);
    }
    result = std::move(ran);
  }
  if (!options.labels.empty()) {
    auto top = top_classes(result.outputs[0].tensor, labels, options.top);
    if (!top) return with_context(top.error(), "--labels '" + options.labels + "'");
    report["top"] = std::move(*top);
  }
  if (!options.output.empty()) TRY_OK(write_outputs(options.output, result.outputs));
  if (options.json) {
    report["outputs"] = outputs_json(result.outputs);
    fmt::print("{}\n", report.dump(2, ' ', false, json::error_handler_t::replace));
  } else {
    print_report(report, result.outputs);
  }
  return 0;
}

}  // namespace

void add_run_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command =
      app.add_subcommand("run", "Run a model, whole or cut into segments, on arrays");
  options->model.add_to(*command);
  add_input_option(*command, options->inputs);
  CLI::Option* random = command
                            ->add_option("--random", options->random_seed,
                                         "run on pseudo-random inputs from this seed instead")
                            ->type_name("SEED")
                            ->check(CLI::NonNegativeNumber);
  command->add_option("--batch", options->batch, "batch of the random inputs")
      ->type_name("N")
      ->capture_default_str()
      ->needs(random)
      ->check(CLI::Range(1, 65536));
  command
      ->add_option(
          "--cut", options->cuts,
          "run in segments, cut here (as for 'cloister split'); given twice: three segments")
      ->allow_extra_args(false)
      ->type_name("CUT");
  command->add_flag("--compare", options->compare,
                    "run the whole model too, and print the largest difference");
  command->add_option("-o,--output", options->output, "write the outputs to FILE.npy or FILE.npz")
      ->type_name("FILE");
  CLI::Option* labels =
      command
          ->add_option("--labels", options->labels,
                       "print the top classes of the first output, named by this labels.txt")
          ->type_name("FILE");
  command->add_option("--top", options->top, "how many classes to print")
      ->type_name("N")
      ->capture_default_str()
      ->needs(labels)
      ->check(CLI::Range(1, 1000));
  options->model.add_engine_to(*command);
  command->add_flag("--json", options->json, "print times, differences and classes as JSON");
  command->footer(
      "'cloister preprocess' turns pictures into arrays.\n\n"
      "Examples:\n"
      "  cloister run model.onnx --random 7 --cut 40% --compare\n"
      "  cloister run model.onnx --input cat.npy --labels labels.txt\n"
      "  cloister run model.onnx --input ids=a.npy --input mask=b.npy -o outputs.npz");
  command->callback([options, &outcome] { outcome = run_model(*options); });
}

}  // namespace cloister
