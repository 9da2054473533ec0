// Judges the whole of an exchange under a trust policy: evidence, statement, configuration, bundle
// and audit. A pure function, as verify() is. docs/formats/trust-policy.md lists the checks.
#pragma once

#include "attest/exchange.h"
#include "attest/verify/verify.h"
#include "bundle/manifest.h"
#include "trust/trust_policy.h"

namespace cloister::attest {

struct JudgeQuestion {
  Role role = Role::kServer;  // of the party that shows evidence
  ReportData expected{};      // what its evidence must be over: report_data()
  Time now{};                 // UTC
  // The audit of the bundle with this manifest was judged before, under the same policy; empty:
  // none was.
  std::string audited_manifest_sha256;
};

// Every check, in order, those of the evidence first; fields of the policy are named from its top.
struct AppraisalResult {
  EvidenceKind kind = EvidenceKind::kSimulated;
  std::vector<Check> checks;
  bool trusted = false;  // all were judged, and none failed
  // Worth nothing unless trusted; there as far as they could be read.
  Verdict tee;
  std::optional<Statement> statement;
  std::optional<bundle::Manifest> manifest;
};

// Never fails: what can't be read is a check that fails. Thread-safe.
AppraisalResult appraise(const ExchangeReply& reply, const TrustPolicy& policy,
                         const JudgeQuestion& question, const Roots& roots = vendor_roots());

// The same of bare evidence: there is no statement, bundle or audit to judge, and none is listed.
AppraisalResult judge_bare(const Evidence& evidence, const Endorsements& endorsements,
                           const TrustPolicy& policy, const Expected& expected, Time now,
                           const Roots& roots = vendor_roots());

// The first check that failed, as kRefused, in words for the user who asked.
Result<> refusal(const AppraisalResult& judgement);

// The files of the bundle that the policy can't be judged without.
std::vector<std::string> files_to_judge(const TrustPolicy& policy);

}  // namespace cloister::attest
