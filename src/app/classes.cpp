#include "app/classes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tensor/convert.h"

namespace cloister {
namespace {

struct Ranked {
  size_t index;
  double score;
};

Result<std::vector<std::vector<Ranked>>> rank_rows(const Tensor& scores, int top) {
  if (scores.shape().empty() || scores.shape().size() > 2) {
    return invalid("top classes: the output is {}, want [classes] or [rows,classes]",
                   shape_text(scores.shape()));
  }
  TRY(values, to_doubles(scores.view()));
  const auto classes = static_cast<size_t>(scores.shape().back());
  std::vector<std::vector<Ranked>> rows;
  for (size_t start = 0; start < values.size(); start += classes) {
    std::vector<Ranked> row;
    for (size_t i = 0; i < classes; ++i) row.push_back({i, values[start + i]});
    if (std::ranges::any_of(row, [](const Ranked& entry) { return std::isnan(entry.score); })) {
      rows.emplace_back();
      continue;
    }
    const size_t kept = std::min(row.size(), static_cast<size_t>(top));
    std::partial_sort(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(kept), row.end(),
                      [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
    row.resize(kept);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

Result<nlohmann::json> top_classes(const Tensor& scores, const std::vector<std::string>& labels,
                                   int top) {
  TRY(rows, rank_rows(scores, top));
  nlohmann::json out = nlohmann::json::array();
  for (const auto& row : rows) {
    nlohmann::json ranked = nlohmann::json::array();
    for (const Ranked& entry : row) {
      nlohmann::json item = {{"class", entry.index}, {"score", entry.score}};
      if (!labels.empty()) {
        if (entry.index >= labels.size()) {
          return invalid("there are {} labels, the output has class {}", labels.size(),
                         entry.index);
        }
        item["label"] = labels[entry.index];
      }
      ranked.push_back(std::move(item));
    }
    out.push_back(std::move(ranked));
  }
  return out;
}

void print_top_classes(const nlohmann::json& rows, const std::vector<std::string>& names) {
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print("\n");
    if (rows.size() > 1) {
      fmt::print("{}\n",
                 i < names.size() ? printable(names[i], 400) : fmt::format("row {}", i + 1));
    }
    if (rows[i].empty()) fmt::print("  n/a: there are scores that are no numbers\n");
    for (const nlohmann::json& entry : rows[i]) {
      fmt::print("  {:>9.4f}  {:>5}  {}\n", entry["score"].get<double>(),
                 entry["class"].get<size_t>(), entry.value("label", ""));
    }
  }
}

}  // namespace cloister
