#include <fmt/ranges.h>

#include "plan/plan.h"

namespace cloister::plan {

bool is_all_trusted(const Candidate& candidate) {
  return !has_placement(candidate.segments, Placement::kUntrusted);
}

bool is_all_untrusted(const Candidate& candidate) {
  return !has_placement(candidate.segments, Placement::kTrusted) && !candidate.segments.empty();
}

bool has_cut(const Candidate& candidate) {
  return candidate.segments.size() > 1;
}

bool shows_result(const Candidate& candidate) {
  return !candidate.segments.empty() &&
         candidate.segments.back().placement == Placement::kUntrusted;
}

const std::string& first_cut(const Candidate& candidate) {
  static const std::string kNowhere;
  return has_cut(candidate) ? candidate.segments[1].begin_cut : kNowhere;
}

std::string cuts_text(const Candidate& candidate) {
  std::vector<std::string> cuts = cuts_between(candidate.segments);
  for (std::string& cut : cuts) cut = printable(cut);
  return fmt::format("{}", fmt::join(cuts, " and "));
}

}  // namespace cloister::plan
