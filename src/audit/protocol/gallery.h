// Pictures for the report: originals beside what attackers made of them.
#pragma once

#include "audit/protocol/data.h"
#include "audit/protocol/work_folder.h"

namespace cloister::audit {

// Picks the inputs that leak most, least and typically, writes them as PNG files to `folder`, and
// gives the rows; file names begin with the folder's own name.
Result<std::vector<GalleryRow>> make_gallery(const AuditData& data, Metric metric,
                                             const CutRecord& cut, const WorkFolder& work,
                                             const fs::path& folder);

}  // namespace cloister::audit
