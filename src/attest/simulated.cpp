#include "attest/simulated.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kIds[] = {"simulated.report", "simulated.report_data"};
constexpr std::string_view kMagic{"cloister-sim/1\0\0", 16};

struct SimulatedReport {
  Fixed<48> measurement;
  Fixed<64> report_data;
};

Result<SimulatedReport> parse(Bytes bytes) {
  Reader in(bytes);
  TRY(magic, in.take(kMagic.size()));
  if (as_text(magic) != kMagic) {
    return fail(Kind::kUnsupported, "'{}', want 'cloister-sim/1'", printable(as_text(magic)));
  }
  SimulatedReport report;
  TRY_OK(read_fields(in, report.measurement, report.report_data));
  if (in.left() != 0) return invalid("{} bytes behind it", in.left());
  return report;
}

// Anybody could write this: the measurement, too, is nothing.
class SimulatedProducer : public Producer {
 public:
  explicit SimulatedProducer(std::string why) : why_(std::move(why)) {}

  EvidenceKind kind() const override { return EvidenceKind::kSimulated; }
  std::string source() const override {
    return why_.empty() ? "simulated" : fmt::format("simulated: {}", why_);
  }
  Result<Shown> produce(const Fixed<64>& report_data) override {
    return Shown{.evidence = {.kind = EvidenceKind::kSimulated,
                              .report = simulated_report({}, report_data)}};
  }

 private:
  const std::string why_;
};

}  // namespace

std::vector<std::byte> simulated_report(const Fixed<48>& measurement,
                                        const Fixed<64>& report_data) {
  std::vector<std::byte> bytes;
  for (const Bytes part : {as_bytes(kMagic), measurement.view(), report_data.view()}) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

std::unique_ptr<Producer> simulated_producer(std::string why) {
  return std::make_unique<SimulatedProducer>(std::move(why));
}

std::span<const std::string_view> simulated_checks() {
  return kIds;
}

void verify_simulated(Context& context, Bytes bytes, const std::optional<Fixed<64>>& report_data) {
  const auto report = parse(bytes);
  context.checks.judge("simulated.report", report ? Result<>{} : std::unexpected(report.error()),
                       "SIMULATED: proves nothing", "a simulated report");
  if (!report) return context.checks.block_rest("simulated.report");
  context.claims.simulated_measurement = report->measurement;
  context.claims.report_data = report->report_data;
  judge_report_data(context.checks, "simulated.report_data", report->report_data, report_data);
}

}  // namespace cloister::attest
