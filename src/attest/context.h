// What the verifiers of all kinds work with, and how they judge alike.
#pragma once

#include <algorithm>

#include "attest/checks.h"
#include "attest/claims.h"
#include "attest/roots.h"
#include "base/time.h"

namespace cloister::attest {

struct Context {
  const Endorsements& endorsements;
  const Roots& roots;
  Time now;
  Checks& checks;
  Claims& claims;
};

// Whether `found` is one of those allowed. None allowed: refused.
template <size_t N>
bool judge_one_of(Checks& checks, std::string_view id, const Fixed<N>& found,
                  const std::vector<Fixed<N>>& allowed, std::string field) {
  const bool good = std::ranges::any_of(
      allowed, [&](const Fixed<N>& a) { return same_bytes(a.view(), found.view()); });
  return checks.judge(id, good, to_string(found),
                      allowed.size() == 1 ? to_string(allowed[0])
                                          : fmt::format("one of {} in the policy", allowed.size()),
                      std::move(field));
}

// The same for what a policy need not pin down.
template <size_t N>
void judge_pin(Checks& checks, std::string_view id, const Fixed<N>& found,
               const std::vector<Fixed<N>>& allowed, std::string field) {
  if (allowed.empty()) {
    checks.not_applicable(id, fmt::format("the policy names none ({})", field));
  } else {
    judge_one_of(checks, id, found, allowed, std::move(field));
  }
}

// What must be absent (zero) unless the policy lists it.
template <size_t N>
void judge_zero_or(Checks& checks, std::string_view id, const Fixed<N>& found,
                   const std::vector<Fixed<N>>& allowed, std::string field) {
  if (found.is_zero()) {
    checks.judge(id, true, "none", "none, or one in the policy", std::move(field));
  } else {
    judge_one_of(checks, id, found, allowed, std::move(field));
  }
}

// What the environment was asked to sign. Nothing expected: refused.
inline void judge_report_data(Checks& checks, std::string_view id, const Fixed<64>& found,
                              const std::optional<Fixed<64>>& expected) {
  checks.judge(id, expected && same_bytes(found.view(), expected->view()), to_string(found),
               expected ? to_string(*expected) : "an expected value, but none was given");
}

inline Result<> outcome_of(const auto& result) {
  return result ? Result<>{} : std::unexpected(result.error());
}

// An error's message with what it is about.
inline Result<> about(Result<> result, std::string_view what) {
  if (result) return result;
  return with_context(result.error(), std::string(what));
}

}  // namespace cloister::attest
