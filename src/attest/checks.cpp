#include "attest/checks.h"

#include <algorithm>

namespace cloister::attest {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass:
      return "pass";
    case Outcome::kFail:
      return "fail";
    case Outcome::kNotApplicable:
      return "not_applicable";
  }
  return "fail";
}

std::string requirer_text(const Check& check) {
  if (check.field.empty()) return "";
  if (!check.line) return fmt::format("policy: {}", check.field);
  if (*check.line == 0) return fmt::format("policy: {}, not given", check.field);
  return fmt::format("policy: {}, line {}", check.field, *check.line);
}

std::string failure_text(const Check& check) {
  const std::string requirer = requirer_text(check);
  return fmt::format("{}: {}{}want {}{}", check.id, check.found, check.found.empty() ? "" : ", ",
                     check.why, requirer.empty() ? "" : fmt::format(" ({})", requirer));
}

const Check* first_failed(const std::vector<Check>& checks) {
  const auto found = std::ranges::find(checks, Outcome::kFail, &Check::outcome);
  return found == checks.end() ? nullptr : &*found;
}

void Checks::add(std::span<const std::string_view> ids) {
  for (const std::string_view id : ids) entries_.push_back({{std::string(id)}});
}

bool Checks::judge(std::string_view id, bool passed, std::string found, std::string why,
                   std::string field) {
  Entry& judged = entry(id);
  if (judged.state == State::kFailed) return false;
  judged.state = passed ? State::kPassed : State::kFailed;
  judged.check.outcome = passed ? Outcome::kPass : Outcome::kFail;
  judged.check.found = std::move(found);
  judged.check.why = std::move(why);
  judged.check.field = std::move(field);
  return passed;
}

bool Checks::judge(std::string_view id, const Result<>& result, std::string found, std::string why,
                   std::string field) {
  if (!result) found = result.error().message;
  return judge(id, result.has_value(), std::move(found), std::move(why), std::move(field));
}

void Checks::not_applicable(std::string_view id, std::string why) {
  Entry& judged = entry(id);
  if (judged.state != State::kOpen) return;
  judged.state = State::kNotNeeded;
  judged.check.outcome = Outcome::kNotApplicable;
  judged.check.why = std::move(why);
}

bool Checks::needs(std::string_view id, std::initializer_list<std::string_view> others) {
  for (const std::string_view other : others) {
    const State state = entry(other).state;
    if (state == State::kPassed || state == State::kNotNeeded) continue;
    block(entry(id), other);
    return false;
  }
  return true;
}

void Checks::block_rest(std::string_view needed) {
  for (Entry& open : entries_) block(open, needed);
}

void Checks::block(Entry& entry, std::string_view needed) {
  if (entry.state != State::kOpen) return;
  entry.state = State::kBlocked;
  entry.check.outcome = Outcome::kNotApplicable;
  entry.check.why = fmt::format("not judged: it needs {}", needed);
}

std::vector<Check> Checks::take() {
  std::vector<Check> checks;
  for (Entry& judged : entries_) {
    if (judged.state == State::kOpen) judged.check.why = "never judged: a bug";
    checks.push_back(std::move(judged.check));
  }
  entries_.clear();
  return checks;
}

bool Checks::all_passed() const {
  const auto good = [](const Entry& judged) {
    return judged.state == State::kPassed || judged.state == State::kNotNeeded;
  };
  return std::ranges::all_of(entries_, good) &&
         std::ranges::any_of(entries_, [](const Entry& e) { return e.state == State::kPassed; });
}

Checks::Entry& Checks::entry(std::string_view id) {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& e) { return e.check.id == id; });
  if (found != entries_.end()) return *found;
  // An id that is not in the list stays open, and so the list fails.
  return entries_.emplace_back(Entry{{std::string(id)}});
}

}  // namespace cloister::attest
