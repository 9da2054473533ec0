#include "base/nearest.h"

#include <algorithm>
#include <numeric>

namespace cloister {
namespace {

constexpr size_t kCompared = 200;

// Levenshtein distance, one row at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string> nearest_texts(const std::string& text,
                                       const std::vector<std::string>& known, size_t count) {
  std::vector<std::pair<size_t, size_t>> ranked;  // distance, index
  const std::string_view wanted = std::string_view(text).substr(0, kCompared);
  for (size_t i = 0; i < known.size(); ++i) {
    ranked.emplace_back(edit_distance(wanted, std::string_view(known[i]).substr(0, kCompared)), i);
  }
  count = std::min(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end());
  std::vector<std::string> nearest;
  for (size_t i = 0; i < count; ++i) nearest.push_back(known[ranked[i].second]);
  return nearest;
}

}  // namespace cloister
