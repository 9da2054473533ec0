#include "profile/kernel_times.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "engine/onnxruntime.h"
#include "engine/ort_trace.h"
#include "engine/random_inputs.h"
#include "graph/cost.h"
#include "graph/edit.h"

namespace cloister::profile {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSuffix = "_kernel_time";
constexpr std::string_view kBlocked = "_nchwc";  // a convolution in ONNX Runtime's own layout

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// The node that a kernel is named after: "@12@..." of with_numbered_nodes, or, for what ONNX
// Runtime names after its output, the node that makes that.
uint32_t node_of(const Graph& graph, std::string_view name) {
  const size_t begin = name.find('@');
  const size_t end = begin == std::string_view::npos ? begin : name.find('@', begin + 1);
  if (end != std::string_view::npos) {
    uint32_t node = kNone;
    std::from_chars(name.data() + begin + 1, name.data() + end, node);
    return node < graph.nodes.size() ? node : kNone;
  }
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  if (name.ends_with(kBlocked)) name.remove_suffix(kBlocked.size());
  const Value* value = graph.find(std::string(name));
  return value == nullptr ? kNone : value->producer;
}

// Microseconds of each kernel by the node it is named after, one entry a run. Kernels that no node
// names (changes of layout) count with the one before them.
Result<std::vector<std::vector<double>>> kernel_times(const Graph& graph, std::string_view trace) {
  const Json events = Json::parse(trace, nullptr, false);
  if (!events.is_array()) return invalid("ONNX Runtime's trace is not an array of events");
  std::vector<std::vector<double>> times(graph.nodes.size());
  size_t runs = 0;
  uint32_t before = kNone;
  double unnamed = 0;  // before the first that is named
  for (const Json& event : events) {
    if (!event.is_object()) continue;
    const std::string name = event.value("name", "");
    const double us = event.value("dur", 0.0);
    if (name == "model_run") {
      // Comes after its kernels.
      ++runs;
      before = kNone;
      unnamed = 0;
      continue;
    }
    if (event.value("cat", "") != "Node" || !name.ends_with(kSuffix)) continue;
    uint32_t node = node_of(graph, name);
    if (node == kNone) node = before;
    if (node == kNone) {
      unnamed += us;
      continue;
    }
    times[node].resize(runs + 1);
    times[node][runs] += us + std::exchange(unnamed, 0);
    before = node;
  }
  for (auto& node : times) {
    if (!node.empty()) node.resize(runs);
  }
  if (runs == 0) return invalid("ONNX Runtime's trace has no run");
  return times;
}

// The node whose kernel each node was fused into: its own, or that of who uses what it makes.
std::vector<uint32_t> kernels_of(const Graph& graph, const std::vector<double>& times) {
  std::vector<uint32_t> user(graph.values.size(), kNone);
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) {
      if (user[id] == kNone) user[id] = i;
    }
  }
  std::vector<uint32_t> kernel(graph.nodes.size(), kNone);
  for (uint32_t i = static_cast<uint32_t>(graph.nodes.size()); i-- > graph.first_data_node;) {
    const Node& node = graph.nodes[i];
    if (times[i] > 0) {
      kernel[i] = i;
    } else if (!node.outputs.empty() && user[node.outputs[0]] != kNone) {
      kernel[i] = kernel[user[node.outputs[0]]];
    }
  }
  return kernel;
}

}  // namespace

Result<Model> with_numbered_nodes(const Graph& graph) {
  TRY(edit, GraphEdit::make(graph));
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    TRY_OK(edit.label(i, fmt::format("@{}@", i)));
  }
  return std::move(edit).finish();
}

Result<std::vector<double>> node_shares(const Graph& graph, std::string_view trace, int warm_up) {
  TRY(runs, kernel_times(graph, trace));
  std::vector<double> times(graph.nodes.size(), 0);
  for (size_t i = graph.first_data_node; i < runs.size(); ++i) {
    auto& run = runs[i];
    if (run.size() > static_cast<size_t>(warm_up)) run.erase(run.begin(), run.begin() + warm_up);
    times[i] = median(std::move(run));
  }
  const std::vector<uint32_t> kernel = kernels_of(graph, times);
  std::vector<double> macs(graph.nodes.size(), 0);
  std::vector<double> kernel_macs(graph.nodes.size(), 0);
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    macs[i] = static_cast<double>(node_macs(graph, graph.nodes[i]).value_or(0));
    if (kernel[i] != kNone) kernel_macs[kernel[i]] += macs[i];
  }
  std::vector<double> shares(graph.nodes.size(), 0);
  double total = 0;
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    const uint32_t k = kernel[i];
    if (k == kNone) continue;
    shares[i] = kernel_macs[k] > 0 ? times[k] * macs[i] / kernel_macs[k] : k == i ? times[i] : 0;
    total += shares[i];
  }
  if (!(total > 0)) return invalid("ONNX Runtime's trace has no time for any node");
  for (double& share : shares) share /= total;
  return shares;
}

Result<std::vector<double>> trace_nodes(const Graph& graph, const TraceOptions& options) {
  constexpr int kWarmUp = 2;
  TRY(model, with_numbered_nodes(graph));
  const Segment segment = to_segment(model);
  TRY(engine, make_onnxruntime({.threads = options.threads}));
  TRY(program, engine->load(segment));
  TRY(inputs, random_inputs(program->inputs(), options.batch, options.seed));
  program.reset();
  TRY(trace, ort_trace(segment, options.threads, inputs, kWarmUp + options.runs, options.folder));
  return node_shares(graph, trace, kWarmUp);
}

}  // namespace cloister::profile
