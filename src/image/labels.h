#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace cloister {

inline constexpr size_t kMaxLabels = 1'000'000;
inline constexpr size_t kMaxLabelBytes = 256;

// labels.txt: the names of a model's classes, line i (from 0) for class i. UTF-8, each line 1 to
// kMaxLabelBytes bytes without control characters, ended by '\n' (the last line's may be missing).
// A name may occur twice, as "crane" does in ImageNet. kInvalid names the line, from 1.
Result<std::vector<std::string>> parse_labels(std::string_view text);

// The same from a path; errors carry the path, kNotFound and kIo are added.
Result<std::vector<std::string>> read_labels(const fs::path& path);

}  // namespace cloister
