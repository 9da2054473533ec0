// Whether a bundle's audit satisfies a trust policy.
#pragma once

#include "attest/checks.h"
#include "bundle/manifest.h"
#include "trust/trust_policy.h"

namespace cloister::attest {

std::span<const std::string_view> audit_checks();

// Judges audit_checks(). `audit_json`: the bundle's audit.json, already found to be the one that
// the manifest lists; null: not shown. The verdict is made again from the scores, under the policy.
void appraise_audit(Checks& checks, const AuditPolicy& policy, const bundle::Manifest& manifest,
                    const std::string* audit_json);

}  // namespace cloister::attest
