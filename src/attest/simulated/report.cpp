#include "attest/simulated/report.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kReportMagic{"cloister-sim/1\0\0", 16};

}  // namespace

std::vector<std::byte> simulated_report(const Fixed<48>& measurement,
                                        const Fixed<64>& report_data) {
  std::vector<std::byte> bytes;
  for (const Bytes part : {as_bytes(kReportMagic), measurement.view(), report_data.view()}) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

Result<SimulatedReport> parse_simulated_report(Bytes bytes) {
  Reader in(bytes);
  TRY(magic, in.take(kReportMagic.size()));
  if (as_text(magic) != kReportMagic) {
    return fail(Kind::kUnsupported, "'{}', want 'cloister-sim/1'", printable(as_text(magic)));
  }
  SimulatedReport report;
  TRY_OK(read_fields(in, report.measurement, report.report_data));
  if (in.left() != 0) return invalid("{} bytes after it", in.left());
  return report;
}

}  // namespace cloister::attest
