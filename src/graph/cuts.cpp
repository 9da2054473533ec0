#include "graph/cuts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/checked.h"
#include "base/nearest.h"
#include "base/sha256.h"
#include "graph/cost.h"
#include "graph/exposure.h"

namespace cloister {
namespace {

constexpr size_t kIdDigits = 6;

// The tensors that are live between data nodes, kept up to date node by node.
class LiveSet {
 public:
  explicit LiveSet(const Graph& graph)
      : graph_(graph),
        roots_(arrangement_roots(graph)),
        uses_left_(graph.values.size(), 0),
        root_count_(graph.values.size(), 0) {
    for (size_t i = graph.first_data_node; i < graph.nodes.size(); ++i) {
      for (const ValueId id : graph.nodes[i].uses) ++uses_left_[id];
    }
    for (const ValueId id : graph.inputs) begin(id);
  }

  // Steps over one node; whether that changed what is exposed.
  bool step(const Node& node) {
    const uint64_t before = exposed_changes_;
    // What is made comes first, so that a rearranged value never seems to vanish in between.
    for (const ValueId id : node.makes) begin(id);
    for (const ValueId id : node.uses) {
      if (!graph_.values[id].is_constant && --uses_left_[id] == 0) end(id);
    }
    return exposed_changes_ != before;
  }

  const std::set<ValueId>& data() const { return data_; }
  const std::set<ValueId>& shapes() const { return shapes_; }

 private:
  void begin(ValueId id) {
    if (graph_.values[id].is_constant || uses_left_[id] == 0) return;
    if (graph_.values[id].is_shape_only) {
      shapes_.insert(id);
    } else if (data_.insert(id).second && root_count_[roots_[id]]++ == 0) {
      ++exposed_changes_;
    }
  }

  void end(ValueId id) {
    if (shapes_.erase(id) > 0 || data_.erase(id) == 0) return;
    if (--root_count_[roots_[id]] == 0) ++exposed_changes_;
  }

  const Graph& graph_;
  std::vector<ValueId> roots_;
  std::vector<uint32_t> uses_left_;
  std::vector<uint32_t> root_count_;  // live values by their root
  std::set<ValueId> data_;
  std::set<ValueId> shapes_;
  uint64_t exposed_changes_ = 0;
};

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
    seen_.assign(graph_.values.size(), false);
    for (size_t i = 0; i < n; ++i) use.first[i] = new_bytes(graph_.first_data_node + i);
    seen_.assign(graph_.values.size(), false);
    for (size_t i = n; i-- > 0;) use.last[i] = new_bytes(graph_.first_data_node + i);
    return use;
  }

 private:
  // Bytes of constants that the node needs and that no node asked about before does.
  uint64_t new_bytes(size_t node) {
    uint64_t bytes = 0;
    std::vector<size_t> stack = {node};
    while (!stack.empty()) {
      const Node& next = graph_.nodes[stack.back()];
      stack.pop_back();
      for (const ValueId id : next.uses) {
        const Value& value = graph_.values[id];
        if (!value.is_constant || seen_[id]) continue;
        seen_[id] = true;
        if (value.maker == kNone) {
          bytes = saturating_add(bytes, value.type.bytes().value_or(0));
        } else {
          bytes = saturating_add(bytes, node_constant_bytes(graph_.nodes[value.maker]));
          stack.push_back(value.maker);
        }
      }
    }
    return bytes;
  }

  const Graph& graph_;
  std::vector<bool> seen_;
};

class Lister {
 public:
  Lister(const Graph& graph, const CutOptions& options)
      : graph_(graph), options_(options), carried_(carried_inputs(graph)) {}

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
      list_.macs_known = list_.macs_known && macs.has_value();
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
    name_cuts();
    return std::move(list_);
  }

 private:
  // Adds the boundary to the group of those that expose the same, or begins the next group.
  void consider(const Cut& totals, const LiveSet& live, bool is_new) {
    if (live.data().empty()) return;
    ++list_.boundaries;
    if (is_new) finish_group();
    ++group_size_;
    const size_t width = live.data().size();
    if (group_size_ > 1 && width > best_width_) return;
    Cut cut = totals;
    if (width <= options_.max_tensors) {
      cut.tensors.assign(live.data().begin(), live.data().end());
      cut.shape_tensors.assign(live.shapes().begin(), live.shapes().end());
      const auto make_order = [&](ValueId a, ValueId b) {
        return graph_.values[a].maker + 1 < graph_.values[b].maker + 1;  // inputs (kNone) first
      };
      std::ranges::stable_sort(cut.tensors, make_order);
      std::ranges::stable_sort(cut.shape_tensors, make_order);
      measure(cut);
    }
    const bool narrower = group_size_ == 1 || width < best_width_ ||
                          cut.shape_tensors.size() < best_.shape_tensors.size();
    if (!narrower) return;
    best_ = std::move(cut);
    best_width_ = width;
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
    for (const ValueId id : cut.tensors) {
      if (carried_[id] == kNone || !cut.exposed_by_construction.empty()) continue;
      const std::string input = printable(graph_.values[carried_[id]].name);
      cut.exposed_by_construction =
          carried_[id] == id
              ? fmt::format("carries input '{}'", input)
              : fmt::format("carries '{}', a rearrangement or recoding of input '{}'",
                            printable(graph_.values[id].name), input);
    }
  }

  void finish_group() {
    if (group_size_ == 0) return;
    list_.merged += group_size_ - 1;
    if (best_width_ <= options_.max_tensors) {
      list_.cuts.push_back(std::move(best_));
    } else {
      ++list_.too_wide;
    }
    group_size_ = 0;
  }

  void name_cuts() {
    std::set<std::string> taken;
    for (Cut& cut : list_.cuts) {
      Sha256 hash;
      for (const auto* ids : {&cut.tensors, &cut.shape_tensors}) {
        for (const ValueId id : *ids) {
          hash.update(as_bytes(graph_.values[id].name));
          hash.update(as_bytes(std::string_view("\0", 1)));
        }
      }
      const std::string digits = to_hex(hash.finish());
      size_t length = kIdDigits;
      while (!taken.insert("c" + digits.substr(0, length)).second) length += 2;
      cut.id = "c" + digits.substr(0, length);
    }
  }

  const Graph& graph_;
  const CutOptions& options_;
  std::vector<ValueId> carried_;
  CutList list_;
  Cut best_;  // of the group of boundaries that expose the same
  size_t best_width_ = 0;
  size_t group_size_ = 0;
};

std::string tensor_names(const Graph& graph, const Cut& cut) {
  std::vector<std::string> names;
  for (const ValueId id : cut.tensors) names.push_back(graph.values[id].name);
  return fmt::format("{}", fmt::join(names, ","));
}

std::optional<double> percentage(const std::string& text) {
  if (text.size() < 2 || text.back() != '%') return std::nullopt;
  double value = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end || !(value >= 0 && value <= 100)) return std::nullopt;
  return value / 100;
}

}  // namespace

double CutList::macs_share(const Cut& cut) const {
  return total_macs == 0 ? 0
                         : static_cast<double>(cut.macs_before) / static_cast<double>(total_macs);
}

CutList list_cuts(const Graph& graph, const CutOptions& options) {
  return Lister(graph, options).list();
}

const Cut* nearest_cut(const CutList& list, double share) {
  const Cut* best = nullptr;
  for (const Cut& cut : list.cuts) {
    if (!cut.is_single() || !cut.exposed_by_construction.empty()) continue;
    const auto distance = [&](const Cut& c) { return std::abs(list.macs_share(c) - share); };
    if (best == nullptr || distance(cut) <= distance(*best)) best = &cut;
  }
  return best;
}

Result<Cut> find_cut(const Graph& graph, const CutList& list, const std::string& text) {
  if (const auto share = percentage(text)) {
    if (const Cut* cut = nearest_cut(list, *share)) return *cut;
    return fail(Kind::kUsage, "no single-tensor cut to choose '{}' from", text);
  }
  const Cut* by_prefix = nullptr;
  size_t matches = 0;
  for (const Cut& cut : list.cuts) {
    if (cut.id == text || tensor_names(graph, cut) == text) return cut;
    if (text.size() >= 3 && cut.id.starts_with(text)) {
      by_prefix = &cut;
      ++matches;
    }
  }
  if (matches == 1) return *by_prefix;
  const char* what = matches > 1 ? "several cuts start with" : "no cut";
  if (list.cuts.empty())
    return fail(Kind::kUsage, "no cut '{}': the model has none", printable(text));
  std::vector<std::string> known;
  for (const Cut& cut : list.cuts) {
    known.push_back(cut.id);
    known.push_back(printable(tensor_names(graph, cut)));
  }
  return fail(Kind::kUsage, "{} '{}'; nearest: {} (see 'cloister inspect')", what, printable(text),
              fmt::join(nearest_texts(text, known, 3), ", "));
}

}  // namespace cloister
