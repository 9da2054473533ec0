// report.html: what was planned and what an audit found, for people. One file that opens offline.
#pragma once

#include "report/records.h"

namespace cloister::report {

// The page's text; sections of records that are not at hand are left out. Pictures of galleries are
// read from below `folder`, the audit's, and become part of it; one that is not there is said to be
// missing. All of the records is taken as coming from strangers. Errors: those of check_records(),
// kRefused for a picture outside of the folder (through a link), kInvalid for one that is no PNG
// file or too large. Thread-safe.
Result<std::string> render_report(const Records& records, const fs::path& folder);

}  // namespace cloister::report
