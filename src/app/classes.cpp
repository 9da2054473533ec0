#include "app/classes.h"

#include <algorithm>
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

void print_top_classes(const nlohmann::json& rows) {
  for (const nlohmann::json& row : rows) {
    fmt::print("\n");
    for (const nlohmann::json& entry : row) {
      fmt::print("  {:>9.4f}  {:>5}  {}\n", entry["score"].get<double>(),
                 entry["class"].get<size_t>(), entry.value("label", ""));
    }
  }
}

}  // namespace cloister
