// The whole of what Cloister can do so far, on a network that it makes itself.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "app/commands.h"
#include "app/inspection.h"
#include "app/text.h"
#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/random_inputs.h"
#include "engine/segments.h"
#include "graph/zoo/zoo.h"

namespace cloister {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kSeed = 7;
constexpr int kRuns = 7;
constexpr double kShares[] = {0.25, 0.50, 0.75};

void step(const char* text) {
  static const bool kIsTerminal = ::isatty(STDOUT_FILENO) == 1;
  fmt::print("\n{}==> {}{}\n", kIsTerminal ? "\033[1m" : "", text, kIsTerminal ? "\033[0m" : "");
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Result<double> time_ms(const LoadedModel& model, const std::vector<NamedTensor>& inputs) {
  const auto start = Clock::now();
  TRY_OK(model.run(inputs));
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct CutRun {
  Difference difference;
  double whole_ms = 0;
  double segments_ms = 0;
};

// Runs both in turn, so that a machine that changes its speed changes it for both.
Result<CutRun> run_cut(Engine& engine, const Graph& graph, const Cut& cut, const LoadedModel& whole,
                       const std::vector<NamedTensor>& inputs) {
  TRY(segments, load_cut_model(engine, graph, {cut}));
  TRY(reference, whole.run(inputs));
  TRY(outputs, segments.run(inputs));
  TRY(difference, compare_outputs(outputs, reference));
  std::vector<double> whole_ms;
  std::vector<double> segments_ms;
  for (int i = 0; i < kRuns; ++i) {
    TRY(a, time_ms(whole, inputs));
    TRY(b, time_ms(segments, inputs));
    whole_ms.push_back(a);
    segments_ms.push_back(b);
  }
  return CutRun{difference, median(whole_ms), median(segments_ms)};
}

Outcome demo(int threads) {
  TRY(engine, make_onnxruntime({.threads = threads}));
  step("Build ResNet-50 (its true architecture, random weights)");
  TRY(model, zoo_model("resnet50", kSeed));
  TRY(graph, build_graph(std::move(model)));
  TRY_OK(infer_types(graph, onnxruntime_probe()));
  OpenModel open{std::move(graph), {}};
  open.cuts = list_cuts(open.graph);
  fmt::print("{}", summary_text(open, "resnet50"));

  step("Where it can be cut with one tensor crossing (cloister inspect lists them all)");
  OpenModel single = open;
  std::erase_if(single.cuts.cuts, [](const Cut& cut) { return !cut.is_single(); });
  fmt::print("{}", cuts_text(single));

  step("Cut it in two at three places, run both halves, compare with the whole");
  TRY(whole, load_cut_model(*engine, open.graph));
  TRY(inputs, random_inputs(whole.segments[0]->inputs(), 1, kSeed));
  std::vector<std::vector<std::string>> rows = {
      {"cut", "in the head", "crosses", "whole", "head + body", "ratio", "answer"}};
  bool same = true;
  for (const double share : kShares) {
    const Cut* cut = nearest_cut(open.cuts, share);
    if (cut == nullptr) return fail(Kind::kInternal, "ResNet-50 has no cut at {}", share);
    TRY(result, run_cut(*engine, open.graph, *cut, whole, inputs));
    const Difference& difference = result.difference;
    same = same && difference.relative() < 1e-5;
    rows.push_back({cut->id, fmt::format("{:.0f} % of the MACs", 100 * open.cuts.macs_share(*cut)),
                    bytes_text(cut->bytes), fmt::format("{:.1f} ms", result.whole_ms),
                    fmt::format("{:.1f} ms", result.segments_ms),
                    fmt::format("{:.3f}x", result.segments_ms / result.whole_ms),
                    difference.identical ? std::string("bit-identical")
                                         : fmt::format("within {:.1g}", difference.relative())});
  }
  fmt::print("{}", table_text(rows, "lrrrrrl"));
  if (!same) return fail(Kind::kInternal, "the segments do not give the whole model's answer");
  fmt::print(
      "\nThe head of such a cut is what runs inside the trusted environment; the body runs on an\n"
      "accelerator that sees only the tensor that crosses. Times: medians of {} runs in turn,\n"
      "{} thread{}, ONNX Runtime {}. Next: cloister inspect YOUR_MODEL.onnx\n",
      kRuns, threads, threads == 1 ? "" : "s", onnxruntime_version());
  return 0;
}

}  // namespace

void add_demo_command(CLI::App& app, Outcome& outcome) {
  auto threads = std::make_shared<int>(1);
  CLI::App* command =
      app.add_subcommand("demo", "Build a network, list its cuts, cut it, run the halves, compare");
  command->add_option("--threads", *threads, "threads for one run")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->callback([threads, &outcome] { outcome = demo(*threads); });
}

}  // namespace cloister
