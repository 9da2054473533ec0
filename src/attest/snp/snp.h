// SEV-SNP: verifies a report, signed by a chip of AMD's, against a policy.
#pragma once

#include "attest/context.h"
#include "attest/policy.h"

namespace cloister::attest {

struct SnpQuestion {
  Bytes report;
  const SnpPolicy& policy;
  std::string field;                     // what the policy is called, "snp"
  std::optional<Fixed<64>> report_data;  // expected; nothing: refused
};

// The checks, in order.
std::span<const std::string_view> snp_checks();

// Judges them all and fills in claims.snp and claims.report_data. Steps as numbered in snp.cpp.
void verify_snp(Context& context, const SnpQuestion& question);

}  // namespace cloister::attest
