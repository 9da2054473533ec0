#include "app/inspection.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/checked.h"
#include "cli/text.h"
#include "cli/version.h"
#include "graph/cost.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

using nlohmann::json;

constexpr size_t kNameWidth = 34;

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json type_json(const Value& value) {
  json dims = nullptr;
  if (value.type.dims) {
    dims = json::array();
    for (const Dim& dim : *value.type.dims) {
      // The batch is "N", "4N", ...: a string, so that no one takes it for a size.
      if (dim.size < 0) {
        dims.push_back(nullptr);
      } else if (dim.times_batch) {
        dims.push_back(dim.size == 1 ? "N" : fmt::format("{}N", dim.size));
      } else {
        dims.push_back(dim.size);
      }
    }
  }
  return {{"name", value.name},
          {"dtype", value.type.dtype ? json(dtype_name(*value.type.dtype)) : json(nullptr)},
          {"shape", dims}};
}

json types_json(const Graph& graph, const std::vector<ValueId>& ids) {
  json list = json::array();
  for (const ValueId id : ids) {
    if (!graph.values[id].is_constant || graph.values[id].is_output) {
      list.push_back(type_json(graph.values[id]));
    }
  }
  return list;
}

json cut_json(const OpenModel& model, const Cut& cut) {
  json exposed = nullptr;
  if (!cut.exposed_by_construction.empty()) exposed = cut.exposed_by_construction;
  return {{"id", cut.id},
          {"position", cut.position},
          {"tensors", types_json(model.graph, cut.tensors)},
          {"shape_tensors", types_json(model.graph, cut.shape_tensors)},
          {"single_tensor", cut.is_single()},
          {"exposed_by_construction", exposed},
          {"bytes", or_null(cut.bytes)},
          {"bytes_as_fp16", or_null(cut.bytes_as_fp16)},
          {"macs_before", cut.macs_before},
          {"macs_after", model.cuts.total_macs - cut.macs_before},
          {"macs_share", model.cuts.macs_share(cut)},
          {"weight_bytes_before", cut.weight_bytes_before},
          {"weight_bytes_after", cut.weight_bytes_after}};
}

// Bytes of the initializers and constants that the node uses itself.
uint64_t own_weight_bytes(const Graph& graph, const Node& node) {
  uint64_t bytes = node_constant_bytes(node);
  for (const ValueId id : node.inputs) {
    const Value& value = graph.values[id];
    if (value.is_constant) bytes = saturating_add(bytes, value.type.bytes().value_or(0));
  }
  return bytes;
}

// With the names of dimensions that have no size: "i64[N,tokens]".
std::string input_type_text(const Graph& graph, const Value& value) {
  const auto& inputs = graph.model.proto->graph().input();
  const auto input =
      std::ranges::find(inputs, value.name, [](const auto& info) { return info.name(); });
  if (input == inputs.end()) return value.type.text();
  std::vector<std::string> names;
  for (const auto& dim : input->type().tensor_type().shape().dim()) {
    names.push_back(printable(dim.dim_param()));
  }
  return value.type.text(names);
}

size_t count_single(const CutList& cuts) {
  return static_cast<size_t>(
      std::ranges::count_if(cuts.cuts, [](const Cut& cut) { return cut.is_single(); }));
}

std::string shortened(const std::string& name) {
  if (name.size() <= kNameWidth) return printable(name);
  // The end tells tensors of one model apart better than the start.
  return "…" + printable(name.substr(name.size() - kNameWidth + 1));
}

}  // namespace

nlohmann::json inspection_json(const OpenModel& model, const std::string& path) {
  const Graph& graph = model.graph;
  const CutList& list = model.cuts;
  json layers = json::array();
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    layers.push_back({{"operator", node.proto->op_type()},
                      {"domain", node.proto->domain()},
                      {"name", node.proto->name()},
                      {"outputs", types_json(graph, node.outputs)},
                      {"macs", or_null(node_macs(graph, node))},
                      {"weight_bytes", own_weight_bytes(graph, node)},
                      {"shape_only", node.is_shape_only}});
  }
  json cuts = json::array();
  for (const Cut& cut : list.cuts) cuts.push_back(cut_json(model, cut));
  return {{"schema", "cloister/inspect/1"},
          {"tool_version", kVersion},
          {"model", {{"file", path}, {"file_sha256", graph.model.file_sha256}}},
          {"inputs", types_json(graph, graph.inputs)},
          {"outputs", types_json(graph, graph.outputs)},
          {"parameters", trainable_parameters(graph)},
          {"macs", list.total_macs},
          {"macs_known", list.macs_known},
          {"dimensions", graph.free_symbols},
          {"notes", graph.notes},
          {"weight_bytes", list.total_weight_bytes},
          {"boundaries", list.boundaries},
          {"boundaries_merged", list.merged},
          {"cuts_too_wide", list.too_wide},
          {"cuts_untyped", list.untyped},
          {"layers", layers},
          {"cuts", cuts}};
}

std::string cut_tensors_text(const Graph& graph, const Cut& cut) {
  std::string out;
  for (const ValueId id : cut.tensors) {
    if (!out.empty()) out += " + ";
    out += graph.values[id].type.text() + " " + shortened(graph.values[id].name);
  }
  if (!cut.shape_tensors.empty()) out += fmt::format(" + {} shape", cut.shape_tensors.size());
  return out;
}

std::string layers_text(const Graph& graph) {
  std::vector<std::vector<std::string>> rows = {
      {"#", "operator", "output", "type", "MACs", "weights"}};
  for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto macs = node_macs(graph, node);
    const Value* made = node.outputs.empty() ? nullptr : &graph.values[node.outputs[0]];
    const uint64_t weights = own_weight_bytes(graph, node);
    rows.push_back({std::to_string(i - graph.first_data_node + 1),
                    printable(node.proto->op_type(), 30), made ? shortened(made->name) : "",
                    made ? made->type.text() : "",
                    macs ? (*macs > 0 ? count_text(*macs) : "") : "?",
                    weights > 0 ? bytes_text(weights) : ""});
  }
  return table_text(rows, "rlllrr");
}

std::string cuts_text(const OpenModel& model) {
  std::vector<std::vector<std::string>> rows = {
      {"cut", "MACs before", "", "crosses", "as fp16", "weights before", "after", "tensors"}};
  for (const Cut& cut : model.cuts.cuts) {
    const double share = model.cuts.macs_share(cut);
    std::string tensors = cut_tensors_text(model.graph, cut);
    if (!cut.exposed_by_construction.empty()) tensors += "  ! " + cut.exposed_by_construction;
    rows.push_back({cut.id, fmt::format("{:.1f} %", share * 100), bar_text(share, 10),
                    bytes_text(cut.bytes), bytes_text(cut.bytes_as_fp16),
                    bytes_text(cut.weight_bytes_before), bytes_text(cut.weight_bytes_after),
                    std::move(tensors)});
  }
  return table_text(rows, "lrlrrrrl");
}

std::string summary_text(const OpenModel& model, const std::string& path) {
  const Graph& graph = model.graph;
  const CutList& cuts = model.cuts;
  std::string out = printable(path, 400) + "\n";
  const auto list = [&](const char* what, const std::vector<ValueId>& ids) {
    for (const ValueId id : ids) {
      const Value& value = graph.values[id];
      if (value.is_constant && !value.is_output) continue;
      out += fmt::format("  {:<11} {} {}\n", what, printable(value.name),
                         input_type_text(graph, value));
    }
  };
  list("input", graph.inputs);
  list("output", graph.outputs);
  out += fmt::format("  {:<11} {} in {} layers, {} of weights\n", "parameters",
                     count_text(trainable_parameters(graph)), graph.data_nodes(),
                     bytes_text(cuts.total_weight_bytes));
  out += fmt::format("  {:<11} {}{} for one input\n", "MACs", cuts.macs_known ? "" : "at least ",
                     count_text(cuts.total_macs));
  out += fmt::format("  {:<11} {}, of which {} carry a single tensor", "cuts", cuts.cuts.size(),
                     count_single(cuts));
  out += fmt::format("; {} boundaries merged into a neighbour, {} too wide (--max-tensors)",
                     cuts.merged, cuts.too_wide);
  if (cuts.untyped > 0) out += fmt::format(", {} of unknown type", cuts.untyped);
  out += '\n';
  if (!graph.free_symbols.empty()) {
    std::vector<std::string> flags;
    for (const std::string& symbol : graph.free_symbols) {
      flags.push_back("--dim '" + printable(symbol) + "=SIZE'");
    }
    out += fmt::format("  {:<11} without a size; give one with {}\n", "dimensions",
                       fmt::join(flags, " "));
  }
  return out;
}

}  // namespace cloister
