// Numbers and tables for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes_text.h"
#include "base/error.h"

namespace cloister {

// As of base/bytes_text.h; "?" for nothing.
std::string bytes_text(std::optional<uint64_t> bytes);

// The size of what was written: "97.8 MiB"; "?" for a device.
std::string file_size_text(const std::filesystem::path& path);

// "4.09 G", "386.0 M", "512"
std::string count_text(uint64_t count);

// "####······" of `width` cells, `share` of them full.
std::string bar_text(double share, int width);

// Rows of cells as lines with aligned columns, two spaces apart. Columns whose letter in `align` is
// 'r' are right-aligned, others left-aligned. The first row is the heading, followed by a rule.
std::string table_text(const std::vector<std::vector<std::string>>& rows, const std::string& align);

// What --separator names, in words or as the sign itself: comma, semicolon, tab, bar, "\\t", "^".
// 0 for "". kUsage for a letter, a digit, a quote, a space, and more than one sign.
Result<char> parse_separator(const std::string& text);

// "a,b" as its names; none for an empty list.
std::vector<std::string> names_in(const std::string& list);

}  // namespace cloister
