#include "attest/produce/simulated.h"

#include "attest/simulated/report.h"

namespace cloister::attest {
namespace {

class SimulatedProducer : public Attester {
 public:
  explicit SimulatedProducer(std::string why) : why_(std::move(why)) {}

  EvidenceKind kind() const override { return EvidenceKind::kSimulated; }
  std::string source() const override {
    return why_.empty() ? "simulated" : fmt::format("simulated: {}", why_);
  }
  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    return AttestedEvidence{.evidence = {.kind = EvidenceKind::kSimulated,
                                         .report = simulated_report({}, report_data)}};
  }

 private:
  const std::string why_;
};

}  // namespace

std::unique_ptr<Attester> simulated_attester(std::string why) {
  return std::make_unique<SimulatedProducer>(std::move(why));
}

}  // namespace cloister::attest
