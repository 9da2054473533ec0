#include "attest/simulated/simulated.h"

#include "attest/simulated/report.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kIds[] = {"simulated.report", "simulated.report_data"};

}  // namespace

std::span<const std::string_view> simulated_checks() {
  return kIds;
}

void verify_simulated(Context& context, Bytes bytes, const std::optional<Fixed<64>>& report_data) {
  const auto report = parse_simulated_report(bytes);
  context.checks.judge("simulated.report", report ? Result<>{} : std::unexpected(report.error()),
                       "SIMULATED: proves nothing", "a simulated report");
  if (!report) return context.checks.block_rest("simulated.report");
  context.claims.simulated_measurement = report->measurement;
  context.claims.report_data = report->report_data;
  judge_report_data(context.checks, "simulated.report_data", report->report_data, report_data);
}

}  // namespace cloister::attest
