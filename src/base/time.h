// Points in time as evidence and its certificates give them. The verifiers never ask a clock.
#pragma once

#include <chrono>

#include "base/error.h"

namespace cloister {

using Time = std::chrono::sys_seconds;  // UTC

// "2026-03-20T10:58:51Z", and nothing else: kInvalid. Years 1970 to 9999.
Result<Time> parse_time(std::string_view text);
std::string time_text(Time time);

}  // namespace cloister
