#include "audit/protocol/choose_cuts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace cloister::audit {
namespace {

// Where auto looks first, beside the shallowest cut: shares of the work.
constexpr std::array kShares = {0.1, 0.3, 0.55, 0.8};

// Of the work; of the nodes where that is not known.
double share_before(const Graph& graph, const CutList& list, const Cut& cut) {
  if (list.macs_known) return list.macs_share(cut);
  return static_cast<double>(cut.position) / static_cast<double>(graph.data_nodes());
}

bool is_candidate(const Cut& cut) {
  return cut.is_single() && cut.exposed_by_construction.empty();
}

}  // namespace

std::optional<size_t> shallowest_cut(const CutList& list) {
  for (size_t i = 0; i < list.cuts.size(); ++i) {
    if (is_candidate(list.cuts[i])) return i;
  }
  return std::nullopt;
}

Result<std::vector<size_t>> choose_cuts(const Graph& graph, const CutList& list,
                                        const std::vector<std::string>& texts) {
  std::set<size_t> chosen;
  const bool alone = texts.size() == 1;
  if (alone && texts[0] == "all") {
    for (size_t i = 0; i < list.cuts.size(); ++i) chosen.insert(i);
  } else if (alone && texts[0] == "auto") {
    const auto first = shallowest_cut(list);
    if (!first) {
      return invalid("the model has no cut that one tensor crosses and that keeps the input back");
    }
    chosen.insert(*first);
    for (const double share : kShares) {
      size_t best = *first;
      for (size_t i = 0; i < list.cuts.size(); ++i) {
        if (!is_candidate(list.cuts[i])) continue;
        const auto off = [&](size_t c) {
          return std::abs(share_before(graph, list, list.cuts[c]) - share);
        };
        // The deepest of equals: behind the activation.
        if (off(i) <= off(best)) best = i;
      }
      chosen.insert(best);
    }
  } else {
    for (const std::string& text : texts) {
      TRY(cut, find_cut(graph, list, text));
      const auto found = std::ranges::find(list.cuts, cut.id, &Cut::id);
      chosen.insert(static_cast<size_t>(found - list.cuts.begin()));
    }
  }
  return std::vector<size_t>(chosen.begin(), chosen.end());
}

std::optional<size_t> refine_cuts(const CutList& list, const std::vector<size_t>& attacked,
                                  const std::vector<double>& leakage, double threshold) {
  size_t above = attacked.size();
  for (size_t i = 0; i < attacked.size(); ++i) {
    if (leakage[i] > threshold) above = i;
  }
  if (above == attacked.size()) return std::nullopt;  // nothing leaks: no border to look for
  const size_t begin = attacked[above] + 1;
  const size_t end = above + 1 < attacked.size() ? attacked[above + 1] : list.cuts.size();
  std::vector<size_t> between;
  for (size_t i = begin; i < end; ++i) {
    if (is_candidate(list.cuts[i])) between.push_back(i);
  }
  if (between.empty()) return std::nullopt;
  return between[between.size() / 2];
}

}  // namespace cloister::audit
