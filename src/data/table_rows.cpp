#include "data/table_rows.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "data/cells.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kConvert =
    "convert the file, for example with: iconv -f WINDOWS-1252 -t UTF-8";

// Separators that are recognised, after the comma.
struct Separator {
  char sign;
  std::string_view name;
};
constexpr Separator kSeparators[] = {{';', "semicolons"}, {'\t', "tabs"}, {'|', "bars"}};

std::string_view separator_name(char sign) {
  const auto* const known = std::ranges::find(kSeparators, sign, &Separator::sign);
  return known == std::end(kSeparators) ? "" : known->name;
}

// Fields of the first record with this separator; 0 where it can't be read with it.
size_t fields_of(std::string_view csv, char separator) {
  CsvReader reader(csv, separator);
  std::vector<std::string> fields;
  const auto any = reader.next(fields);
  return any && *any ? fields.size() : 0;
}

char recognised(std::string_view csv) {
  char best = ',';
  size_t most = std::max<size_t>(fields_of(csv, ','), 1);
  if (most > 1) return best;
  for (const Separator& separator : kSeparators) {
    const size_t fields = fields_of(csv, separator.sign);
    if (fields > most) {
      most = fields;
      best = separator.sign;
    }
  }
  return best;
}

// What a spreadsheet may write as its first line, "sep=;"; 0 without.
char announced(std::string_view csv) {
  if (csv.starts_with("\xef\xbb\xbf")) csv.remove_prefix(3);
  if (!csv.starts_with("sep=") || csv.size() < 5) return 0;
  const std::string_view rest = csv.substr(5);
  const bool alone = rest.empty() || rest.starts_with("\n") || rest.starts_with("\r\n");
  const char sign = csv[4];
  return alone && (sign == ',' || !separator_name(sign).empty()) ? sign : '\0';
}

}  // namespace

Result<TableRows> TableRows::open(std::string_view csv, char separator) {
  if (csv.starts_with("\xff\xfe") || csv.starts_with("\xfe\xff")) {
    return invalid(
        "line 1: UTF-16, want UTF-8; convert the file: iconv -f UTF-16 -t UTF-8 IN.csv > OUT.csv");
  }
  const char said = announced(csv);
  const char used = separator != 0 ? separator : said != 0 ? said : recognised(csv);
  TableRows rows(CsvReader(csv, used), used);
  if (separator == 0 && used != ',') {
    rows.notes_.push_back(fmt::format("cells are separated by {}", separator_name(used)));
  }
  std::vector<std::string> first;
  if (said != 0) TRY_OK(rows.reader_.next(first));
  TRY_OK(rows.read_header());
  return rows;
}

Result<> TableRows::read_header() {
  TRY(any, reader_.next(names_));
  if (!any) return invalid("empty file, want a header");
  std::set<std::string_view> seen;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (const size_t end = utf8_end(names_[i]); end < names_[i].size()) {
      return invalid("line {}: the name of column {} is '{}', which is not UTF-8; {}", line(),
                     i + 1, printable(names_[i], 40), kConvert);
    }
    named_.push_back(!names_[i].empty());
    if (named_[i]) fewest_ = i + 1;
    if (!named_[i]) names_[i] = fmt::format("column {}", i + 1);
  }
  for (const std::string& name : names_) {
    if (!seen.insert(name).second) {
      return invalid("header: column '{}' occurs twice", printable(name));
    }
  }
  return {};
}

Result<bool> TableRows::next(std::vector<std::string>& cells) {
  TRY(more, reader_.next(cells));
  if (!more) return false;
  if (cells.size() > names_.size()) {
    const auto extra = cells.begin() + static_cast<ptrdiff_t>(names_.size());
    if (!std::all_of(extra, cells.end(), [](const std::string& cell) { return cell.empty(); })) {
      return true;
    }
    ++trailing_;
    cells.resize(names_.size());
  } else if (cells.size() < names_.size() && cells.size() >= fewest_) {
    cells.resize(names_.size());
  }
  return true;
}

std::string TableRows::bad_width(size_t cells) const {
  std::string text = fmt::format("{} cells, the header has {}", cells, names_.size());
  for (const Separator& other : kSeparators) {
    const auto has = [&](const std::string& name) { return name.contains(other.sign); };
    if (other.sign != separator_ && std::ranges::any_of(names_, has)) {
      text += fmt::format(" (which has {}: is the separator right?)", other.name);
      break;
    }
  }
  return text;
}

Result<> check_utf8(const std::string& cell, uint64_t line, const std::string& column) {
  const size_t end = utf8_end(cell);
  if (end == cell.size()) return {};
  size_t start = end - std::min<size_t>(end, 20);
  while (start < end && (static_cast<unsigned char>(cell[start]) & 0xc0) == 0x80) ++start;
  return invalid("line {}: column '{}' has '{}', which is not UTF-8 (byte 0x{:02x}); {}", line,
                 printable(column), printable(std::string_view(cell).substr(start), 40),
                 static_cast<unsigned char>(cell[end]), kConvert);
}

std::unexpected<Error> no_such_column(std::string_view what, const std::string& name,
                                      const std::vector<std::string>& names) {
  std::vector<std::string> near;
  for (const std::string& candidate : nearest_texts(name, names, 3)) {
    near.push_back(fmt::format("'{}'", printable(candidate, 40)));
  }
  return fail(Kind::kUsage, "{} column '{}' is not among the {} of the header; near: {}", what,
              printable(name, 40), names.size(), fmt::join(near, ", "));
}

}  // namespace cloister::audit
