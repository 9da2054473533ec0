// What cutting costs: each network whole, and as two segments at a quarter, half and three quarters
// of its MACs, in one process with the same threads, the two runs taking turns. The ratio of each
// pair is what is reported: a machine that changes its speed changes it for both.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/text.h"
#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/random_inputs.h"
#include "engine/segments.h"
#include "graph/zoo/zoo.h"

namespace cloister {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct BenchOptions {
  std::vector<std::string> models = {"vgg16", "resnet50", "efficientnet_b0"};
  int pairs = 41;
  int threads = 1;
  uint64_t seed = 1;
  bool json = false;
};

struct Sample {
  double whole_ms;
  double segments_ms;
};

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

Result<double> time_ms(const LoadedModel& model, const std::vector<NamedTensor>& inputs) {
  const auto start = Clock::now();
  TRY_OK(model.run(inputs));
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Result<std::vector<Sample>> measure(const LoadedModel& whole, const LoadedModel& segments,
                                    const std::vector<NamedTensor>& inputs, int pairs) {
  constexpr int kWarmUp = 3;
  std::vector<Sample> samples;
  for (int i = -kWarmUp; i < pairs; ++i) {
    Sample sample{};
    // Either goes first every other time.
    for (const bool whole_now : {i % 2 == 0, i % 2 != 0}) {
      TRY(ms, time_ms(whole_now ? whole : segments, inputs));
      (whole_now ? sample.whole_ms : sample.segments_ms) = ms;
    }
    if (i >= 0) samples.push_back(sample);
  }
  return samples;
}

json row(const std::string& model, const Cut& cut, double share, const Difference& difference,
         const std::vector<Sample>& samples) {
  std::vector<double> whole;
  std::vector<double> segments;
  std::vector<double> ratios;
  for (const Sample& sample : samples) {
    whole.push_back(sample.whole_ms);
    segments.push_back(sample.segments_ms);
    ratios.push_back(sample.segments_ms / sample.whole_ms);
  }
  return {{"model", model},
          {"cut", cut.id},
          {"macs_share", share},
          {"crosses_bytes", cut.bytes.value_or(0)},
          {"whole_ms", quantile(whole, 0.5)},
          {"segments_ms", quantile(segments, 0.5)},
          {"ratio_p10", quantile(ratios, 0.1)},
          {"ratio_median", quantile(ratios, 0.5)},
          {"ratio_p90", quantile(ratios, 0.9)},
          {"pairs", samples.size()},
          {"bit_identical", difference.identical},
          {"max_relative_difference", difference.relative()}};
}

Result<std::vector<json>> bench_model(Engine& engine, const std::string& name,
                                      const BenchOptions& options) {
  TRY(model, zoo_model(name, options.seed));
  TRY(graph, build_graph(std::move(model)));
  TRY_OK(infer_types(graph, onnxruntime_probe()));
  const CutList cuts = list_cuts(graph);
  TRY(whole, load_cut_model(engine, graph));
  TRY(inputs, random_inputs(whole.segments[0]->inputs(), 1, options.seed));
  std::vector<json> rows;
  for (const double share : {0.25, 0.5, 0.75}) {
    const Cut* cut = nearest_cut(cuts, share);
    if (cut == nullptr) return fail(Kind::kInvalid, "'{}' has no single-tensor cut", name);
    TRY(segments, load_cut_model(engine, graph, {*cut}));
    TRY(reference, whole.run(inputs));
    TRY(outputs, segments.run(inputs));
    TRY(difference, compare_outputs(outputs, reference));
    TRY(samples, measure(whole, segments, inputs, options.pairs));
    rows.push_back(row(name, *cut, cuts.macs_share(*cut), difference, samples));
    fmt::print(stderr, "{} at {:.0f} %: {:.3f}x\n", name, 100 * cuts.macs_share(*cut),
               rows.back()["ratio_median"].get<double>());
  }
  return rows;
}

std::string table(const json& rows) {
  std::vector<std::vector<std::string>> cells = {
      {"model", "cut at", "crosses", "whole ms", "segments ms", "ratio", "p10 - p90", "answer"}};
  for (const json& r : rows) {
    cells.push_back(
        {r["model"], fmt::format("{:.0f} %", 100 * r["macs_share"].get<double>()),
         bytes_text(r["crosses_bytes"].get<uint64_t>()),
         fmt::format("{:.2f}", r["whole_ms"].get<double>()),
         fmt::format("{:.2f}", r["segments_ms"].get<double>()),
         fmt::format("{:.3f}", r["ratio_median"].get<double>()),
         fmt::format("{:.3f} - {:.3f}", r["ratio_p10"].get<double>(), r["ratio_p90"].get<double>()),
         r["bit_identical"].get<bool>()
             ? std::string("bit-identical")
             : fmt::format("within {:.1g}", r["max_relative_difference"].get<double>())});
  }
  return table_text(cells, "lrrrrrrl");
}

Result<> bench(const BenchOptions& options) {
  TRY(engine, make_onnxruntime({.threads = options.threads}));
  json rows = json::array();
  for (const std::string& model : options.models) {
    TRY(measured, bench_model(*engine, model, options));
    for (json& row : measured) rows.push_back(std::move(row));
  }
  if (!options.json) {
    fmt::print("{}", table(rows));
    return {};
  }
  const json report = {{"schema", "cloister/bench-split/1"},
                       {"onnxruntime", onnxruntime_version()},
                       {"threads", options.threads},
                       {"seed", options.seed},
                       {"rows", rows}};
  fmt::print("{}\n", report.dump(2));
  return {};
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  CLI::App app("Times networks whole and cut in two, in turn.");
  cloister::BenchOptions options;
  app.add_option("MODEL", options.models, "networks of the zoo")->capture_default_str();
  app.add_option("--pairs", options.pairs, "timed pairs a cut")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--threads", options.threads, "threads for one run")->capture_default_str();
  app.add_option("--seed", options.seed, "of weights and inputs")->capture_default_str();
  app.add_flag("--json", options.json, "print JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  if (const auto done = cloister::bench(options); !done) {
    fmt::print(stderr, "split_bench: {}\n", done.error().message);
    return cloister::exit_code(done.error().kind);
  }
  return 0;
}
