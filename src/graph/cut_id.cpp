#include "graph/cut_id.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/sha256.h"

namespace cloister {
namespace {

constexpr size_t kIdDigits = 6;

size_t common_start(const std::string& a, const std::string& b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

std::string cut_digest(const Graph& graph, const Cut& cut) {
  Sha256 hash;
  for (const auto* ids : {&cut.tensors, &cut.shape_tensors}) {
    for (const ValueId id : *ids) {
      hash.update(as_bytes(graph.values[id].name));
      hash.update(as_bytes(std::string_view("\0", 1)));
    }
  }
  return to_hex(hash.finish());
}

void name_cuts(const Graph& graph, std::vector<Cut>& cuts) {
  std::vector<std::pair<std::string, Cut*>> sorted;
  for (Cut& cut : cuts) sorted.emplace_back(cut_digest(graph, cut), &cut);
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i) {
    const std::string& digest = sorted[i].first;
    size_t digits = kIdDigits;
    if (i > 0) digits = std::max(digits, common_start(digest, sorted[i - 1].first) + 1);
    if (i + 1 < sorted.size()) {
      digits = std::max(digits, common_start(digest, sorted[i + 1].first) + 1);
    }
    sorted[i].second->id = "c" + digest.substr(0, digits);
  }
}

std::string tensor_names(const Graph& graph, const Cut& cut) {
  std::vector<std::string> names;
  for (const ValueId id : cut.tensors) names.push_back(graph.values[id].name);
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace cloister
