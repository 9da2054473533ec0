#include "attest/produce/simulated.h"

#include "attest/simulated.h"

namespace cloister::attest {
namespace {

class Simulated : public Producer {
 public:
  explicit Simulated(std::string why) : why_(std::move(why)) {}

  EvidenceKind kind() const override { return EvidenceKind::kSimulated; }
  std::string source() const override {
    return why_.empty() ? "simulated" : fmt::format("simulated: {}", why_);
  }

  // The measurement, too, is nothing.
  Result<Shown> produce(const Fixed<64>& report_data) override {
    return Shown{{.kind = EvidenceKind::kSimulated, .report = simulated_report({}, report_data)},
                 {}};
  }

 private:
  const std::string why_;
};

}  // namespace

std::unique_ptr<Producer> make_simulated(std::string why) {
  return std::make_unique<Simulated>(std::move(why));
}

}  // namespace cloister::attest
