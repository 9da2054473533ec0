// The checks that a verifier makes, each with a name, an outcome and a reason. Nothing is trusted
// unless every check of the kind's list has been judged, and none has failed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace cloister::attest {

enum class Outcome { kPass, kFail, kNotApplicable };

// "pass", "fail", "not_applicable"
std::string_view to_string(Outcome outcome);

// One line of a verdict. Texts are safe to print.
struct Check {
  std::string id;  // "snp.chain"; frozen, people's scripts know them
  Outcome outcome = Outcome::kFail;
  std::string found;  // what the evidence says; may be empty
  std::string why;    // what is required; of a check that is not applicable: why it is not
  std::string field;  // of the policy, that requires it; empty: every policy does
  std::optional<size_t> line = {};  // of that field in the policy's text; 0: it is not given there
};

// "policy: snp.vmpl, line 7"; empty where no field of the policy requires it.
std::string requirer_text(const Check& check);
// Of one that failed: "snp.vmpl: 1, want 0 (policy: snp.vmpl, line 7)".
std::string failure_text(const Check& check);

// The first that failed, or null.
const Check* first_failed(const std::vector<Check>& checks);

// A list of checks being filled in. A check that is never judged counts as failed. Not thread-safe.
class Checks {
 public:
  // Adds checks, in the order in which they will be listed.
  void add(std::span<const std::string_view> ids);

  // Judges one. A check that has failed stays so. Returns `passed`.
  bool judge(std::string_view id, bool passed, std::string found, std::string why,
             std::string field = {});
  // Passes with `found`, or fails with the error.
  bool judge(std::string_view id, const Result<>& result, std::string found, std::string why,
             std::string field = {});
  // There is nothing to judge, and that is as it should be.
  void not_applicable(std::string_view id, std::string why);

  // Whether the checks that `id` builds on have passed (or were not applicable). If not, `id` is
  // listed as not applicable, naming what it needs.
  bool needs(std::string_view id, std::initializer_list<std::string_view> others);
  // The same for all checks that are not judged yet.
  void block_rest(std::string_view needed);

  // Ends the list: what was never judged fails.
  std::vector<Check> take();
  // Whether there are checks, all were judged and none failed. Before take().
  bool all_passed() const;

 private:
  enum class State { kOpen, kPassed, kFailed, kNotNeeded, kBlocked };
  struct Entry {
    Check check;
    State state = State::kOpen;
  };

  Entry& entry(std::string_view id);
  static void block(Entry& entry, std::string_view needed);

  std::vector<Entry> entries_;
};

}  // namespace cloister::attest
