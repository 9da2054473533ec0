// every_cut MODEL.onnx: runs the two segments at every cut and compares them with the whole model.
// Prints one JSON object.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/random_inputs.h"
#include "engine/segments.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

struct Options {
  std::string model;
  OnnxRuntimeOptions engine;
  size_t max_tensors = 4;
  uint64_t seed = 1;
};

Result<std::vector<NamedTensor>> run(Engine& engine, const Graph& graph,
                                     const std::vector<Cut>& cuts,
                                     const std::vector<NamedTensor>& inputs) {
  TRY(loaded, load_cut_model(engine, graph, cuts));
  return loaded.run(inputs);
}

nlohmann::json record(const Graph& graph, const CutList& list, const Cut& cut,
                      const Difference& apart) {
  nlohmann::json tensors = nlohmann::json::array();
  nlohmann::json makers = nlohmann::json::array();
  for (const ValueId id : cut.tensors) {
    tensors.push_back(graph.values[id].name);
    const uint32_t producer = graph.values[id].producer;
    makers.push_back(producer == kNone ? "input" : graph.nodes[producer].proto->op_type());
  }
  return {{"cut", cut.id},
          {"tensors", tensors},
          {"made_by", makers},
          {"macs_share", list.macs_share(cut)},
          {"max_abs", apart.max_abs},
          {"relative", apart.relative()}};
}

Result<nlohmann::json> measure(const Options& options) {
  TRY(model, read_model(options.model));
  TRY(graph, build_graph(std::move(model)));
  TRY_OK(infer_types(graph, onnxruntime_probe()));
  const CutList list = list_cuts(graph, {.max_tensors = options.max_tensors});
  TRY(engine, make_onnxruntime(options.engine));
  TRY(whole, load_cut_model(*engine, graph));
  TRY(inputs, random_inputs(whole.segments[0]->inputs(), 1, options.seed));
  TRY(want, whole.run(inputs));
  // Another run of the whole model shows what of a difference is not the cut's.
  TRY(again, run(*engine, graph, {}, inputs));
  TRY(repeat, compare_outputs(again, want));

  size_t identical = 0;
  nlohmann::json different = nlohmann::json::array();
  nlohmann::json failed = nlohmann::json::array();
  nlohmann::json largest;
  for (const Cut& cut : list.cuts) {
    const auto apart = [&]() -> Result<Difference> {
      TRY(got, run(*engine, graph, {cut}, inputs));
      return compare_outputs(got, want);
    }();
    if (!apart) {
      failed.push_back({{"cut", cut.id}, {"error", apart.error().message}});
    } else if (apart->identical) {
      ++identical;
    } else {
      different.push_back(record(graph, list, cut, *apart));
      if (largest.is_null() || largest["relative"] < apart->relative()) largest = different.back();
    }
  }
  return nlohmann::json{{"model_sha256", graph.model.file_sha256},
                        {"onnxruntime", onnxruntime_version()},
                        {"provider", options.engine.provider},
                        {"threads", options.engine.threads},
                        {"optimize", options.engine.optimize},
                        {"seed", options.seed},
                        {"cuts", list.cuts.size()},
                        {"identical", identical},
                        {"whole_repeats_identically", repeat.identical},
                        {"largest", largest},
                        {"different", different},
                        {"failed", failed}};
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  cloister::Options options;
  bool as_written = false;
  CLI::App app("Compares the two segments at every cut of a model with the whole model");
  app.add_option("MODEL", options.model, "ONNX model file")->required();
  app.add_option("--threads", options.engine.threads, "threads for one run")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--provider", options.engine.provider, "cpu, cuda or tensorrt")
      ->capture_default_str();
  app.add_option("--max-tensors", options.max_tensors, "leave out cuts that more tensors cross")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the random input")->capture_default_str();
  app.add_flag("--as-written", as_written, "run the graphs without ONNX Runtime's optimisations");
  CLI11_PARSE(app, argc, argv);
  options.engine.optimize = !as_written;
  const auto report = cloister::measure(options);
  if (!report) {
    fmt::print(stderr, "every_cut: {}\n", report.error().message);
    return cloister::exit_code(report.error().kind);
  }
  fmt::print("{}\n", report->dump(2));
}
