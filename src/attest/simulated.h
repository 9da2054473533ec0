// Simulated evidence: lets everything around attestation be tried without hardware. It proves
// nothing, is labelled so, and is accepted only where a policy says so.
#pragma once

#include "attest/context.h"
#include "attest/producer.h"

namespace cloister::attest {

// "cloister-sim/1" and two zero bytes, a measurement of 48 bytes, report data of 64.
std::vector<std::byte> simulated_report(const Fixed<48>& measurement, const Fixed<64>& report_data);

// A producer of it, which needs nothing. `why` there is no better one, for source(): may be empty.
std::unique_ptr<Producer> simulated_producer(std::string why = "");

std::span<const std::string_view> simulated_checks();

// Judges the form and the report data; whether it is accepted at all is "policy.kind".
void verify_simulated(Context& context, Bytes report, const std::optional<Fixed<64>>& report_data);

}  // namespace cloister::attest
