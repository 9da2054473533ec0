// The verifier of all kinds of evidence: a pure function of what it is given. It reads no clock, no
// file and no network, and nothing switches one of its checks off; what is acceptable is said by
// the policy. docs/formats/trust-policy.md lists the checks.
#pragma once

#include "attest/checks.h"
#include "attest/claims.h"
#include "attest/policy.h"
#include "attest/roots.h"
#include "base/time.h"

namespace cloister::attest {

// What the environment was asked to put under its signature. One that is missing is refused.
struct Expected {
  std::optional<Fixed<64>> report_data;    // SNP, TDX, SGX, simulated
  std::vector<std::byte> qualifying_data;  // TPM and Azure: 32 bytes or more
};

// Every check of the evidence's kind, in order. Once one has failed nothing is trusted, but those
// that can still be judged are; the others are not applicable, and say what they need.
struct Verdict {
  EvidenceKind kind = EvidenceKind::kSimulated;
  std::vector<Check> checks;
  Claims claims;         // worth nothing unless trusted
  bool trusted = false;  // all checks were judged, and none failed
};

// `now` is UTC. Never fails: what can't be read is a check that fails. Thread-safe.
Verdict verify(const Evidence& evidence, const Endorsements& endorsements, const Policy& policy,
               const Expected& expected, Time now, const Roots& roots = vendor_roots());

// Claims that a verdict has found true. There is no other way to make one.
class VerifiedClaims {
 public:
  // kRefused with the first check that failed.
  static Result<VerifiedClaims> of(const Verdict& verdict);

  const Claims& operator*() const { return claims_; }
  const Claims* operator->() const { return &claims_; }

 private:
  explicit VerifiedClaims(Claims claims) : claims_(std::move(claims)) {}

  Claims claims_;
};

}  // namespace cloister::attest
