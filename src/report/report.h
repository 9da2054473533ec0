// report.html: what an audit found, for people. One file that opens offline.
#pragma once

#include "audit/record.h"

namespace cloister::report {

// The page's text. Pictures of galleries are read from below `folder`, the record's, and become
// part of it; one that is not there is said to be missing. All of the record is taken as coming
// from strangers. Errors: kRefused for a picture outside of the folder (through a link), kInvalid
// for one that is no PNG file or too large. Thread-safe.
Result<std::string> render_report(const audit::AuditRecord& record, const fs::path& folder);

}  // namespace cloister::report
