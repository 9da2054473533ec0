#include "graph/dependence.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/cost.h"
#include "graph/extract.h"
#include "graph/onnx.h"
#include "graph/probe_inputs.h"

namespace cloister {
namespace {

constexpr size_t kMostPieces = 64;
constexpr size_t kMostNodes = 500;             // of a piece
constexpr uint64_t kMostMacs = 4'000'000'000;  // of a node, for one run
constexpr uint64_t kMostBytes = 1ULL << 30;    // of values kept, of all runs

// Rounding moves elements by less than this part of the largest: sums of what traded places.
constexpr double kRounding = 1e-4;

using Runs = std::vector<Tensor>;  // a value in every run; empty for runs left out

template <typename T>
std::vector<bool> differing_numbers(const Tensor& base, const Tensor& other) {
  const auto from = base.as<T>();
  const auto to = other.as<T>();
  double largest = 0;
  for (const T value : from) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  std::vector<bool> out(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const auto a = static_cast<double>(from[i]);
    const auto b = static_cast<double>(to[i]);
    const bool is_same = a == b || (std::isnan(a) && std::isnan(b));  // infinite, too
    out[i] = !is_same && !(std::abs(a - b) <= kRounding * largest);
  }
  return out;
}

// By element, of two tensors of one type and shape.
std::vector<bool> differing(const Tensor& a, const Tensor& b) {
  if (a.dtype() == DType::kF32) return differing_numbers<float>(a, b);
  if (a.dtype() == DType::kF64) return differing_numbers<double>(a, b);
  const size_t size = std::max(1U, dtype_bits(a.dtype()) / 8);
  std::vector<bool> out(a.data().size() / size);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = std::memcmp(a.data().data() + i * size, b.data().data() + i * size, size) != 0;
  }
  return out;
}

// Whether those elements of a value that depend on one element of the group, and on nothing else
// that was changed, are enough of the value and cover enough of the group. Looks at the first
// `digits` alone.
bool is_carried(const Runs& runs, const std::vector<ProbeGroup>& groups, const ProbeGroup& group,
                size_t digits) {
  std::vector<bool> mixed = differing(runs[0], runs[1]);  // left to chance
  const size_t count = mixed.size();
  std::vector<bool> moved(count, false);
  std::vector<size_t> votes(count, 0);  // digits for which it moved in one of the two runs
  std::vector<uint32_t> code(count, 0);
  for (const ProbeGroup& other : groups) {
    const bool is_this = &other == &group;
    for (size_t digit = 0; digit < std::min(digits, other.digits); ++digit) {
      const auto zeros = differing(runs[0], runs[other.run(digit, false)]);
      const auto ones = differing(runs[0], runs[other.run(digit, true)]);
      for (size_t i = 0; i < count; ++i) {
        const bool any = zeros[i] || ones[i];
        moved[i] = moved[i] || any;
        mixed[i] = mixed[i] || (is_this ? zeros[i] && ones[i] : any);
        if (!is_this) continue;
        votes[i] += any ? 1 : 0;
        if (ones[i]) code[i] |= 1U << digit;
      }
    }
  }
  const size_t looked_at = std::min(digits, group.digits);
  uint64_t all_moved = 0;
  uint64_t elements = 0;
  std::set<uint32_t> codes;
  for (size_t i = 0; i < count; ++i) {
    all_moved += moved[i] ? 1 : 0;
    // What hardly ever moves (a Relu's zeros) proves nothing.
    if (mixed[i] || 2 * votes[i] < looked_at || votes[i] == 0) continue;
    ++elements;
    codes.insert(code[i]);
  }
  const uint64_t all_codes = std::min(group.elements, uint64_t{1} << looked_at);
  return elements > 0 && 4 * elements >= all_moved && 4 * codes.size() >= all_codes;
}

class Measurer {
 public:
  Measurer(const Graph& graph, const std::set<ValueId>& public_inputs, const PieceRunner& run,
           const KnownCarriers& known, CarriedInputs& carried)
      : graph_(graph),
        run_(run),
        known_(known),
        carried_(carried),
        found_(graph.values.size()),
        inputs_(make_probe_inputs(graph, public_inputs)),
        is_done_(graph.nodes.size(), false) {
    for (const auto& [id, _] : inputs_.runs[0]) {
      for (const auto& run_inputs : inputs_.runs) values_[id].push_back(run_inputs.at(id));
    }
  }

  void measure() {
    settle();
    for (size_t i = 0; i < kMostPieces; ++i) {
      const Piece piece = next_piece();
      if (piece.nodes.empty()) return;
      take(piece);
      settle();
      forget();
    }
  }

 private:
  struct Piece {
    std::vector<uint32_t> nodes;
    std::vector<uint32_t> heavy;  // of these
  };

  // What is carried for what operators do, from what was measured so far.
  void settle() {
    for (size_t i = graph_.first_data_node; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (node.is_shape_only) continue;
      for (size_t slot = 0; slot < node.outputs.size(); ++slot) {
        const ValueId id = node.outputs[slot];
        carried_[id] = known_(node, slot);
        add_carried(carried_[id], found_[id]);
      }
    }
  }

  // Nodes that can be run: cheap ones, also one after the other, and others if what they get
  // carries an input.
  Piece next_piece() {
    Piece piece;
    std::set<ValueId> made;  // by cheap nodes of the piece
    for (uint32_t i = graph_.first_data_node; i < graph_.nodes.size(); ++i) {
      if (is_done_[i] || piece.nodes.size() == kMostNodes) continue;
      const Node& node = graph_.nodes[i];
      bool can_run = true;
      bool follows = false;
      bool carries = false;
      for (const ValueId id : node.inputs) {
        follows = follows || made.contains(id);
        carries = carries || !carried_[id].empty();
        can_run =
            can_run && (graph_.values[id].is_constant || values_.contains(id) || made.contains(id));
      }
      if (!can_run) continue;
      const auto macs = node_macs(graph_, node);
      const bool is_heavy = macs != 0;
      if (is_heavy && follows) continue;  // what it gets is not measured yet
      is_done_[i] = true;
      if (is_heavy && (!carries || macs.value_or(0) >= kMostMacs)) continue;
      piece.nodes.push_back(i);
      if (is_heavy) {
        piece.heavy.push_back(i);
      } else {
        made.insert(node.outputs.begin(), node.outputs.end());
      }
    }
    return piece;
  }

  // Costly nodes that mix show it at once: they are run with the first digit alone.
  void take(const Piece& piece) {
    std::vector<uint32_t> nodes = piece.nodes;
    if (!piece.heavy.empty()) {
      std::map<ValueId, Runs> values;
      const bool ran = try_run(piece.heavy, 1, values);
      std::erase_if(nodes, [&](uint32_t index) {
        return std::ranges::binary_search(piece.heavy, index) &&
               !(ran && carries_any(graph_.nodes[index], values, 1));
      });
    }
    if (nodes.empty() || keep(nodes)) return;
    // One of them does not run, so each is tried alone.
    for (const uint32_t index : nodes) keep({index});
  }

  bool carries_any(const Node& node, const std::map<ValueId, Runs>& values, size_t digits) const {
    return std::ranges::any_of(node.outputs, [&](ValueId id) {
      const auto runs = values.find(id);
      return runs != values.end() &&
             std::ranges::any_of(inputs_.groups, [&](const ProbeGroup& group) {
               return is_carried(runs->second, inputs_.groups, group, digits);
             });
    });
  }

  // Runs the nodes, and notes and keeps what came out; whether they could be run.
  bool keep(const std::vector<uint32_t>& nodes) {
    std::map<ValueId, Runs> values;
    if (!try_run(nodes, inputs_.runs.size(), values)) return false;
    for (const uint32_t index : nodes) {
      for (const ValueId id : graph_.nodes[index].outputs) {
        const auto runs = values.find(id);
        if (runs != values.end()) note(id, std::move(runs->second));
      }
    }
    return true;
  }

  void note(ValueId id, Runs runs) {
    const Node& node = graph_.nodes[graph_.values[id].producer];
    for (const ProbeGroup& group : inputs_.groups) {
      if (graph_.values[id].is_shape_only) break;
      if (!is_carried(runs, inputs_.groups, group, group.digits)) continue;
      // Of tokens, their types and positions, those that it was made of.
      const auto is_used = [&](ValueId input) {
        return std::ranges::any_of(node.inputs, [&](ValueId from) { return reaches(input, from); });
      };
      const bool is_known = std::ranges::any_of(group.inputs, is_used);
      for (const ValueId input : group.inputs) {
        if (!is_known || is_used(input)) found_[id].push_back(input);
      }
    }
    // Behind what mixes, nothing is looked at.
    if (node_macs(graph_, node) != 0 && found_[id].empty()) return;
    const uint64_t size = runs.size() * runs[0].data().size();
    if (size > kMostBytes - bytes_) return;
    bytes_ += size;
    values_[id] = std::move(runs);
  }

  bool reaches(ValueId input, ValueId value) const {
    return input == value || std::ranges::find(carried_[value], input) != carried_[value].end() ||
           std::ranges::find(found_[value], input) != found_[value].end();
  }

  // The nodes' outputs whose dimensions are the same in all runs, in those runs that look at the
  // first `digits` of each group.
  bool try_run(const std::vector<uint32_t>& nodes, size_t digits, std::map<ValueId, Runs>& values) {
    auto piece = extract_nodes(graph_, nodes);
    if (!piece) return false;
    onnx::ModelProto proto = *piece->proto;
    proto.mutable_graph()->clear_value_info();  // of another batch, maybe
    piece->proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
    std::vector<size_t> wanted = {0, 1};
    for (const ProbeGroup& group : inputs_.groups) {
      for (size_t run = group.first_run; run < group.end_run(); ++run) {
        if (run < group.run(std::min(digits, group.digits), false)) wanted.push_back(run);
      }
    }
    std::vector<std::map<std::string, Tensor>> feeds(wanted.size());
    for (const auto& input : piece->proto->graph().input()) {
      const auto value = values_.find(graph_.ids.at(input.name()));
      if (value == values_.end()) continue;  // an initializer
      for (size_t i = 0; i < wanted.size(); ++i) {
        feeds[i][input.name()] = value->second[wanted[i]];
      }
    }
    const auto results = run_(to_segment(*piece), feeds);
    const auto& outputs = piece->proto->graph().output();
    if (!results || results->size() != wanted.size()) return false;
    for (int k = 0; k < outputs.size(); ++k) {
      Runs runs(inputs_.runs.size());
      bool is_same_shape = true;
      for (size_t i = 0; i < wanted.size(); ++i) {
        if ((*results)[i].size() != static_cast<size_t>(outputs.size())) return false;
        runs[wanted[i]] = (*results)[i][k];
        is_same_shape = is_same_shape && runs[wanted[i]].shape() == runs[0].shape();
      }
      if (is_same_shape) values[graph_.ids.at(outputs[k].name())] = std::move(runs);
    }
    return true;
  }

  // Drops values that no node is waiting for.
  void forget() {
    std::set<ValueId> wanted;
    for (size_t i = graph_.first_data_node; i < graph_.nodes.size(); ++i) {
      if (!is_done_[i]) wanted.insert(graph_.nodes[i].inputs.begin(), graph_.nodes[i].inputs.end());
    }
    std::erase_if(values_, [&](const auto& entry) {
      if (wanted.contains(entry.first)) return false;
      const bool is_input = graph_.values[entry.first].is_input;
      if (!is_input) bytes_ -= entry.second.size() * entry.second[0].data().size();
      return true;
    });
  }

  const Graph& graph_;
  const PieceRunner& run_;
  const KnownCarriers& known_;
  CarriedInputs& carried_;
  CarriedInputs found_;  // by measuring
  const ProbeInputs inputs_;
  std::map<ValueId, Runs> values_;
  uint64_t bytes_ = 0;
  std::vector<bool> is_done_;
};

}  // namespace

void add_carried(std::vector<ValueId>& carried, const std::vector<ValueId>& more) {
  for (const ValueId input : more) {
    const auto place = std::ranges::lower_bound(carried, input);
    const bool is_new = place == carried.end() || *place != input;
    if (is_new && carried.size() < kMostCarried) carried.insert(place, input);
  }
}

void measure_carried(const Graph& graph, const std::set<ValueId>& public_inputs,
                     const PieceRunner& run, const KnownCarriers& known, CarriedInputs& carried) {
  Measurer(graph, public_inputs, run, known, carried).measure();
}

}  // namespace cloister
