#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace cloister {
namespace {

// Columns on a terminal, taking each code point as one.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string bytes_text(std::optional<uint64_t> bytes) {
  if (!bytes) return "?";
  return bytes_text(*bytes);
}

std::string file_size_text(const std::filesystem::path& path) {
  std::error_code code;
  const uint64_t bytes = std::filesystem::file_size(path, code);
  return bytes_text(code ? std::nullopt : std::optional(bytes));
}

std::string count_text(uint64_t count) {
  if (count < 1000) return fmt::format("{}", count);
  double value = static_cast<double>(count);
  const char* unit = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return fmt::format("{:.2f} {}", value, unit);
}

std::string bar_text(double share, int width) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "█" : "·";
  return bar;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       const std::string& align) {
  std::vector<size_t> widths(align.size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const std::string padding(widths[c] - width_of(rows[r][c]), ' ');
      if (c > 0) line += "  ";
      line += align[c] == 'r' ? padding + rows[r][c] : rows[r][c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (r > 0) continue;
    for (size_t c = 0; c < widths.size(); ++c) {
      if (c > 0) out += "  ";
      for (size_t i = 0; i < widths[c]; ++i) out += "─";
    }
    out += "\n";
  }
  return out;
}

Result<char> parse_separator(const std::string& text) {
  if (text.empty()) return '\0';
  constexpr std::pair<std::string_view, char> kWords[] = {
      {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}, {"\\t", '\t'}};
  for (const auto& [word, sign] : kWords) {
    if (text == word) return sign;
  }
  const auto sign = static_cast<unsigned char>(text[0]);
  const bool is_sign = text.size() == 1 && (std::ispunct(sign) != 0 || sign == '\t');
  if (is_sign && sign != '"') return text[0];
  return fail(Kind::kUsage, "--separator '{}': want comma, semicolon, tab, bar or another sign",
              printable(text, 40));
}

std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (size_t start = 0; start <= list.size() && !list.empty();) {
    const size_t comma = std::min(list.find(',', start), list.size());
    names.push_back(list.substr(start, comma - start));
    start = comma + 1;
  }
  return names;
}

}  // namespace cloister
