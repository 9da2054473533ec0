#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

#include "base/nearest.h"
#include "graph/cut_id.h"
#include "graph/cuts.h"

namespace cloister {
namespace {

// What to do about a model whose shares are not known.
std::string unknown_share(const Graph& graph, const CutList& list, const std::string& text) {
  std::string advice;
  if (!graph.free_symbols.empty()) {
    advice = fmt::format("give sizes with --dim: {}; or ",
                         printable(fmt::format("{}", fmt::join(graph.free_symbols, ", ")), 200));
  }
  return fmt::format(
      "'{}' is a share of the MACs, and those of {} are not known: {}name a cut by its id or its "
      "tensor (see 'cloister inspect')",
      text, list.macs_unknown_of, advice);
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
    if (!list.macs_known) return fail(Kind::kUsage, "{}", unknown_share(graph, list, text));
    if (const Cut* cut = nearest_cut(list, *share)) return *cut;
    return fail(Kind::kUsage,
                "no cut to choose '{}' from: none that one tensor crosses keeps the input back",
                text);
  }
  const Cut* by_prefix = nullptr;
  size_t matches = 0;
  for (const Cut& cut : list.cuts) {
    if (tensor_names(graph, cut) == text) return cut;
    // A start longer than the id is as good: the cut's id may be longer in another list.
    if (text.size() >= 3 && ("c" + cut_digest(graph, cut)).starts_with(text)) {
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
