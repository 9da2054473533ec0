// What `cloister verify` prints: every check on a line, what is claimed, and the verdict.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "trust/appraise.h"

namespace cloister {

// Of a bare report there is no statement and no bundle.
struct VerifyReport {
  std::string target;
  Time now{};
  std::vector<std::string> notes;  // a line each
  attest::AppraisalResult judgement;
};

// For people; long values are shortened unless `full`. Marks in colour on a terminal.
std::string report_text(const VerifyReport& report, bool full, bool colour);
nlohmann::ordered_json report_json(const VerifyReport& report);

}  // namespace cloister
