#include <fmt/format.h>

#include <algorithm>

#include "report/audit_view.h"
#include "report/html.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using audit::AttackerRecord;
using audit::ColumnRecord;
using audit::CutRecord;

struct Best {
  const ColumnRecord* column;
  const AttackerRecord* attacker;
};

// For each column the attacker that brought most of it back.
std::vector<Best> best_columns(const CutRecord& cut) {
  std::vector<Best> best;
  for (const AttackerRecord& attacker : cut.attackers) {
    for (const ColumnRecord& column : attacker.certification.columns) {
      const auto found =
          std::ranges::find_if(best, [&](const Best& b) { return b.column->name == column.name; });
      if (found == best.end()) {
        best.push_back({&column, &attacker});
      } else if (column.within_tolerance > found->column->within_tolerance) {
        *found = {&column, &attacker};
      }
    }
  }
  return best;
}

std::string bar(const ColumnRecord& column) {
  return fmt::format(
      "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      "<rect class=\"all\" width=\"100\" height=\"10\"/>"
      "<rect class=\"{}\" width=\"{:.1f}\" height=\"10\"/>"
      "<rect class=\"guess\" x=\"{:.1f}\" width=\"0.8\" height=\"10\"/></svg>",
      column.within_tolerance > column.baseline_within_tolerance ? "found" : "part",
      100 * column.within_tolerance, std::min(99.2, 100 * column.baseline_within_tolerance));
}

}  // namespace

std::string columns_html(const CutRecord& cut) {
  const auto best = best_columns(cut);
  if (best.empty()) return "";
  std::string out =
      "<table class=\"plain columns stack\">\n<caption>Share of recovered cells, for each "
      "column the best attacker: categories exactly, numbers within 0.319 standard deviations. The "
      "mark on a bar is what guessing reaches.</caption>\n<thead><tr><th scope=\"col\">Column</th>"
      "<th scope=\"col\">Came back</th><th scope=\"col\">Guessing</th><th scope=\"col\">To the "
      "digit</th><th scope=\"col\">R²</th><th scope=\"col\">Attacker</th></tr></thead>\n<tbody>\n";
  for (const auto& [column, attacker] : best) {
    out += fmt::format(
        "<tr><th scope=\"row\">{} <small>{}</small></th><td data-label=\"Came back\" "
        "class=\"barred\"><div>{} <b>{}</b></div></td><td data-label=\"Guessing\">{}</td>"
        "<td data-label=\"To the digit\">{}</td><td data-label=\"R²\">{}</td>"
        "<td data-label=\"Attacker\">{}</td></tr>\n",
        name(column->name, 80), column->categorical ? "category" : "number", bar(*column),
        percent(column->within_tolerance), percent(column->baseline_within_tolerance),
        percent(column->exact), column->r2 ? number(*column->r2) : "–", name(attacker->name, 60));
  }
  return out + "</tbody></table>\n";
}

}  // namespace cloister::report
