#include "graph/cuts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/checked.h"
#include "graph/cost.h"
#include "graph/cut_id.h"
#include "graph/exposure.h"
#include "graph/live_set.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

// A cut with more dimensions than this is too wide, whatever the options: real models have a few,
// and what hostile ones have would be copied into each cut.
constexpr size_t kMaxShapeTensors = 256;

// The reason why a cut is exposed: tensors, and bytes, which records limit.
constexpr size_t kMostNamed = 4;
constexpr size_t kMostReason = 1000;

// Bytes of constants, by the first and by the last data node that needs them.
struct WeightUse {
  std::vector<uint64_t> first;  // by position of the data node
  std::vector<uint64_t> last;
};

class WeightCounter {
 public:
  explicit WeightCounter(const Graph& graph) : graph_(graph) {}

  WeightUse count() {
    const size_t n = graph_.data_nodes();
    WeightUse use{std::vector<uint64_t>(n, 0), std::vector<uint64_t>(n, 0)};
    forget();
    for (size_t i = 0; i < n; ++i) use.first[i] = new_bytes(graph_.first_data_node + i);
    forget();
    for (size_t i = n; i-- > 0;) use.last[i] = new_bytes(graph_.first_data_node + i);
    return use;
  }

 private:
  void forget() {
    seen_.assign(graph_.values.size(), false);
    seen_nodes_.assign(graph_.nodes.size(), false);
  }

  // Bytes of constants that the node needs and that no node asked about before does.
  uint64_t new_bytes(size_t node) {
    uint64_t bytes = node_constant_bytes(graph_.nodes[node]);  // in its sub-graphs
    std::vector<size_t> stack = {node};
    while (!stack.empty()) {
      const Node& next = graph_.nodes[stack.back()];
      stack.pop_back();
      for (const ValueId id : next.inputs) {
        const Value& value = graph_.values[id];
        if (!value.is_constant || seen_[id]) continue;
        seen_[id] = true;
        if (value.producer == kNone) {
          bytes = saturating_add(bytes, value.type.bytes().value_or(0));
        } else if (!seen_nodes_[value.producer]) {
          seen_nodes_[value.producer] = true;
          bytes = saturating_add(bytes, node_constant_bytes(graph_.nodes[value.producer]));
          stack.push_back(value.producer);
        }
      }
    }
    return bytes;
  }

  const Graph& graph_;
  std::vector<bool> seen_;
  std::vector<bool> seen_nodes_;
};

// Tensors across a boundary; fewer data tensors are narrower.
struct Width {
  size_t data = 0;
  size_t shapes = 0;
  auto operator<=>(const Width&) const = default;
};

class Lister {
 public:
  Lister(const Graph& graph, const CutOptions& options)
      : graph_(graph), options_(options), carried_(carried_inputs(graph, options.exposure)) {
    users_.resize(graph.values.size());
    find_secrets();
    for (size_t i = 0; i < graph.data_nodes(); ++i) {
      for (const ValueId id : graph.nodes[graph.first_data_node + i].inputs) {
        if (!carried_[id].empty()) users_[id].push_back(i);
      }
    }
  }

  CutList list() {
    LiveSet live(graph_);
    const WeightUse weights = WeightCounter(graph_).count();
    for (const uint64_t bytes : weights.first) {
      list_.total_weight_bytes = saturating_add(list_.total_weight_bytes, bytes);
    }
    uint64_t after = list_.total_weight_bytes;
    Cut cut;  // the running totals
    const size_t n = graph_.data_nodes();
    for (size_t i = 0; i < n; ++i) {
      const Node& node = graph_.nodes[graph_.first_data_node + i];
      const auto macs = node_macs(graph_, node);
      if (!macs && list_.macs_known) {
        list_.macs_known = false;
        list_.macs_unknown_of = node_label(*node.proto);
      }
      cut.position = i + 1;
      cut.macs_before = saturating_add(cut.macs_before, macs.value_or(0));
      cut.weight_bytes_before += weights.first[i];
      after -= weights.last[i];
      cut.weight_bytes_after = after;
      const bool is_new = live.step(node);
      if (i + 1 == n) break;
      consider(cut, live, is_new || i == 0);
    }
    finish_group();
    list_.total_macs = cut.macs_before;
    name_cuts(graph_, list_.cuts);
    return std::move(list_);
  }

 private:
  // What depends on an input that is not public; everything where there is none.
  void find_secrets() {
    secret_.assign(graph_.values.size(), false);
    for (ValueId id = 0; id < graph_.values.size(); ++id) {
      secret_[id] = graph_.values[id].is_input && !options_.exposure.public_inputs.contains(id);
    }
    if (options_.exposure.public_inputs.empty() ||
        std::ranges::find(secret_, true) == secret_.end()) {
      secret_.assign(graph_.values.size(), true);
    }
    for (const Node& node : graph_.nodes) {
      const bool secret = std::ranges::any_of(node.inputs, [&](ValueId id) { return secret_[id]; });
      for (const ValueId id : node.outputs) secret_[id] = secret_[id] || secret;
    }
  }

  // Adds the boundary to the group of those that expose the same, or begins the next group.
  void consider(const Cut& totals, const LiveSet& live, bool is_new) {
    if (live.data().empty()) return;
    ++list_.boundaries;
    if (is_new) finish_group();
    ++group_size_;
    const Width width = {live.data().size(), live.shapes().size()};
    if (group_size_ > 1 && width >= best_width_) return;
    best_width_ = width;
    Cut& cut = best_ = totals;
    if (is_listed(width)) {
      cut.tensors.assign(live.data().begin(), live.data().end());
      cut.shape_tensors.assign(live.shapes().begin(), live.shapes().end());
      const auto make_order = [&](ValueId a, ValueId b) {
        return graph_.values[a].producer + 1 <
               graph_.values[b].producer + 1;  // inputs (kNone) first
      };
      std::ranges::stable_sort(cut.tensors, make_order);
      std::ranges::stable_sort(cut.shape_tensors, make_order);
      cut.public_tensors = static_cast<size_t>(
          std::ranges::count_if(cut.tensors, [&](ValueId id) { return !secret_[id]; }));
      measure(cut);
    }
  }

  bool is_listed(const Width& width) const {
    return width.data <= options_.max_tensors && width.shapes <= kMaxShapeTensors;
  }

  void measure(Cut& cut) const {
    cut.bytes = cut.bytes_as_fp16 = 0;
    const auto add = [](std::optional<uint64_t>& total, std::optional<uint64_t> bytes) {
      total = total && bytes ? std::optional(saturating_add(*total, *bytes)) : std::nullopt;
    };
    for (const auto* ids : {&cut.tensors, &cut.shape_tensors}) {
      for (const ValueId id : *ids) {
        const TensorType& type = graph_.values[id].type;
        add(cut.bytes, type.bytes());
        TensorType half = type;
        if (type.dtype == DType::kF32 || type.dtype == DType::kF64) half.dtype = DType::kF16;
        add(cut.bytes_as_fp16, half.bytes());
      }
    }
    tell_exposed(cut);
  }

  void tell_exposed(Cut& cut) const {
    std::vector<std::string> parts;
    size_t first_use = graph_.data_nodes();
    for (const ValueId id : cut.tensors) {
      if (carried_[id].empty()) continue;
      first_use = std::min(first_use, *std::ranges::lower_bound(users_[id], cut.position));
      const std::string name = printable(graph_.values[id].name);
      if (graph_.values[id].is_input) {
        parts.push_back(fmt::format("input '{}'", name));
        continue;
      }
      std::vector<std::string> inputs;
      for (const ValueId input : carried_[id]) {
        inputs.push_back(fmt::format("'{}'", printable(graph_.values[input].name)));
      }
      parts.push_back(fmt::format("'{}', a rearrangement or recoding of input{} {}", name,
                                  inputs.size() == 1 ? "" : "s", fmt::join(inputs, ", ")));
    }
    if (parts.empty()) return;
    cut.exposed_to = first_use;
    const size_t more = parts.size() - std::min(parts.size(), kMostNamed);
    parts.resize(parts.size() - more);
    std::string& why = cut.exposed_by_construction;
    why = fmt::format("carries {}", fmt::join(parts, "; "));
    if (more > 0) why += fmt::format("; and {} more", more);
    why = printable(why, kMostReason);
  }

  // A segment declares what crosses its border.
  bool can_be_written(const Cut& cut) const {
    const auto is_typed = [&](ValueId id) { return graph_.values[id].type.dtype.has_value(); };
    return !graph_.is_typed || (std::ranges::all_of(cut.tensors, is_typed) &&
                                std::ranges::all_of(cut.shape_tensors, is_typed));
  }

  void finish_group() {
    if (group_size_ == 0) return;
    list_.merged += group_size_ - 1;
    if (!is_listed(best_width_)) {
      ++list_.too_wide;
    } else if (!can_be_written(best_)) {
      ++list_.untyped;
    } else if (listed_.insert(best_.tensors).second) {
      list_.cuts.push_back(std::move(best_));
    } else {
      ++list_.merged;  // what lies between is an early output's own
    }
    group_size_ = 0;
  }

  const Graph& graph_;
  const CutOptions& options_;
  CarriedInputs carried_;
  std::vector<bool> secret_;                // by ValueId
  std::vector<std::vector<size_t>> users_;  // positions, by ValueId, of what carries an input
  CutList list_;
  Cut best_;  // of the group of boundaries that expose the same
  Width best_width_;
  size_t group_size_ = 0;
  std::set<std::vector<ValueId>> listed_;
};

}  // namespace

double CutList::macs_share(const Cut& cut) const {
  return total_macs == 0 ? 0
                         : static_cast<double>(cut.macs_before) / static_cast<double>(total_macs);
}

CutList list_cuts(const Graph& graph, const CutOptions& options) {
  return Lister(graph, options).list();
}

}  // namespace cloister
