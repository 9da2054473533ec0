// Judges simulated evidence.
#pragma once

#include "attest/context.h"

namespace cloister::attest {

std::span<const std::string_view> simulated_checks();

// Judges the form and the report data; whether it is accepted at all is "policy.kind".
void verify_simulated(Context& context, Bytes report, const std::optional<Fixed<64>>& report_data);

}  // namespace cloister::attest
