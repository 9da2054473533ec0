#include "app/plan_text.h"

#include <algorithm>

#include "cli/text.h"
#include "plan/words.h"

namespace cloister {
namespace {

using plan::Candidate;

std::string leakage_cell(const Candidate& c) {
  if (is_all_trusted(c)) return "none";
  if (is_all_untrusted(c)) return "the input";
  if (!c.leakage.value) return c.leakage.outcome == "not audited" ? "?" : "-";
  const std::string upper = c.leakage.upper ? plan::leakage_words(*c.leakage.upper) : "?";
  return fmt::format("{} [{}]", plan::leakage_words(*c.leakage.value), upper);
}

// "exposed, memory": the sentences are in plan.json.
std::string verdict_cell(const Candidate& c) {
  if (c.admissible()) return "may be served";
  std::string text = "refused:";
  for (const plan::Reason& reason : c.refused) {
    text += (text.ends_with(':') ? " " : ", ") + std::string(to_string(reason.refusal));
  }
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string marks(const plan::Plan& plan, const Candidate& c) {
  std::string text = &c == &plan.choice() ? "*" : " ";
  return text + (c.modelled ? "~" : "");
}

std::string table_of(const plan::Plan& plan, bool all) {
  std::vector<std::vector<std::string>> rows = {
      {"", "plan", "leakage [upper]", "ms", "items/s", "trusted memory", "across", "verdict"}};
  for (const Candidate& c : plan.candidates) {
    if (!all && !c.pareto && &c != &plan.choice()) continue;
    rows.push_back({marks(plan, c), plan::name_of(c), leakage_cell(c),
                    fmt::format("{:.2f}", c.latency_ms), fmt::format("{:.1f}", c.throughput),
                    bytes_text(c.trusted_bytes), bytes_text(c.bytes_across), verdict_cell(c)});
  }
  return table_text(rows, "llrrrrrl");
}

std::string list_text(std::string_view heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("\n{}:\n", heading);
  for (const std::string& line : lines) text += fmt::format("  {}\n", printable(line, 2000));
  return text;
}

}  // namespace

std::string plan_text(const plan::Plan& plan, bool all) {
  const auto front = std::ranges::count_if(plan.candidates, &Candidate::pareto);
  std::string text = fmt::format("{}, batch {}: ", printable(plan.model_file), plan.batch);
  text += all ? fmt::format("all {} plans\n\n", plan.candidates.size())
              : fmt::format("{} of {} plans; the others leak or cost more (--all lists them)\n\n",
                            front, plan.candidates.size());
  text += table_of(plan, all);
  text += "\n* chosen";
  if (std::ranges::any_of(plan.candidates, &Candidate::modelled)) {
    text += "   ~ modelled, not measured";
  }
  text += fmt::format("\n\n{}\n", printable(plan.why, 4000));
  std::vector<std::string> changes;
  for (const plan::Change& change : plan.changes) changes.push_back(change.sentence);
  return text + list_text("What would change the choice", changes) + list_text("Notes", plan.notes);
}

}  // namespace cloister
