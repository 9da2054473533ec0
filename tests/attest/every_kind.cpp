#include "tests/attest/every_kind.h"

#include <algorithm>

#include "attest/simulated/report.h"
#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

Case simulated() {
  Case c;
  c.evidence = {EvidenceKind::kSimulated,
                simulated_report(filler<48>("measurement"), filler<64>("report data")),
                {}};
  c.expected.report_data = filler<64>("report data");
  c.policy.accept_simulated = true;
  c.now = test_time();
  return c;
}

struct Example {
  EvidenceKind kind;
  Case (*make)();
};

constexpr Example kExamples[] = {
    {EvidenceKind::kSnp, [] { return SnpWorld().make(); }},
    {EvidenceKind::kTdx, [] { return DcapWorld().make(); }},
    {EvidenceKind::kSgx, [] { return DcapWorld(false, 3).make(); }},
    {EvidenceKind::kTpm, [] { return TpmWorld().make(); }},
    {EvidenceKind::kAzureSnp, [] { return AzureWorld(true).make(); }},
    {EvidenceKind::kAzureTdx, [] { return AzureWorld(false).make(); }},
    {EvidenceKind::kSimulated, simulated},
};

static_assert(std::ranges::equal(kExamples, kEvidenceKinds, {}, &Example::kind),
              "every kind has an example, in the same order");

}  // namespace

Case example_of(EvidenceKind kind) {
  return std::ranges::find(kExamples, kind, &Example::kind)->make();
}

}  // namespace cloister::attest::test
