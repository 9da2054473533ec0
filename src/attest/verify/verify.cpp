#include "attest/verify/verify.h"

#include <openssl/err.h>

#include "attest/verify/kinds.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kGeneralChecks[] = {"evidence.form", "policy.kind"};

// Leaves OpenSSL's error queue as it was: others read it.
class ErrorMark {
 public:
  ErrorMark() { ERR_set_mark(); }
  ~ErrorMark() { ERR_pop_to_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
};

}  // namespace

Verdict verify(const Evidence& evidence, const Endorsements& endorsements, const Policy& policy,
               const Expected& expected, Time now, const Roots& roots) {
  const ErrorMark mark;
  Verdict verdict;
  verdict.kind = evidence.kind;
  verdict.claims.kind = evidence.kind;
  Checks checks;
  const KindVerifier* const row = find_verifier(evidence.kind);
  checks.add(kGeneralChecks);
  if (row != nullptr) row->add_checks(checks);
  const bool formed =
      checks.judge("evidence.form", check_form(evidence, endorsements),
                   std::string(to_string(evidence.kind)), "known parts of bounded size, each once");
  const std::string kind(to_string(evidence.kind));
  checks.judge("policy.kind", accepts(policy, evidence.kind),
               fmt::format("{} ({})", kind, kind_class(evidence.kind)),
               "a kind that the policy accepts", row == nullptr ? kind : std::string(row->field));
  if (formed && row != nullptr) {
    Context context{endorsements, roots, now, checks, verdict.claims};
    row->verify(context, evidence, policy, expected);
  }
  if (!formed) checks.block_rest("evidence.form");
  verdict.trusted = formed && checks.all_passed();
  verdict.checks = checks.take();
  return verdict;
}

Result<VerifiedClaims> VerifiedClaims::of(const Verdict& verdict) {
  if (verdict.trusted) return VerifiedClaims(verdict.claims);
  const Check* const failed = first_failed(verdict.checks);
  return fail(Kind::kRefused, "{}",
              failed == nullptr ? "nothing was verified" : failure_text(*failed));
}

}  // namespace cloister::attest
