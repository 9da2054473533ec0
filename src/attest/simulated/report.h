// Simulated evidence: lets everything around attestation be tried without hardware. It proves
// nothing, is labelled so, and is accepted only where a policy says so.
#pragma once

#include <vector>

#include "attest/fixed.h"

namespace cloister::attest {

// Anybody could write one: the measurement, too, is nothing.
struct SimulatedReport {
  Fixed<48> measurement;
  Fixed<64> report_data;
};

// "cloister-sim/1" and two zero bytes, the measurement, the report data.
std::vector<std::byte> simulated_report(const Fixed<48>& measurement, const Fixed<64>& report_data);

// kUnsupported for another magic, kInvalid for another length.
Result<SimulatedReport> parse_simulated_report(Bytes bytes);

}  // namespace cloister::attest
