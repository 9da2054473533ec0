#include "data/csv.h"

#include <algorithm>

namespace cloister::audit {
namespace {

constexpr std::string_view kZeroByte =
    "a zero byte, want text in UTF-8 (UTF-16 is converted with: iconv -f UTF-16 -t UTF-8)";

}  // namespace

CsvReader::CsvReader(std::string_view text, char separator) : text_(text), separator_(separator) {
  if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
}

std::unexpected<Error> CsvReader::bad(std::string_view what) const {
  return invalid("line {}: {}", line_, what);
}

void CsvReader::pass_empty_lines() {
  while (at_ < text_.size()) {
    size_t end = at_;
    while (end < text_.size() && (text_[end] == ' ' || text_[end] == '\t') &&
           text_[end] != separator_) {
      ++end;
    }
    if (end < text_.size() && text_[end] == '\r') ++end;
    if (end < text_.size() && text_[end] != '\n') return;
    // A lone \r at the end is an error, which next() says.
    if (end == text_.size() && text_[end - 1] == '\r') return;
    if (end < text_.size()) ++line_;
    at_ = std::min(end + 1, text_.size());
  }
}

Result<> CsvReader::quoted(std::string& field) {
  const uint64_t opened = line_;
  ++at_;
  while (true) {
    if (at_ == text_.size()) return invalid("line {}: a quote opens and never closes", opened);
    const char c = text_[at_++];
    if (c == '\0') return bad(kZeroByte);
    if (c == '"') {
      if (at_ == text_.size() || text_[at_] != '"') break;
      ++at_;
    }
    if (c == '\n') ++line_;
    if (field.size() == kMaxCsvFieldBytes) return bad("a field of more than 1 MiB");
    field += c;
  }
  if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n' && text_[at_] != '\r') {
    return bad("text after a closing quote, want a separator or the line's end");
  }
  return {};
}

Result<> CsvReader::plain(std::string& field) {
  const char ends[] = {separator_, '\r', '\n'};
  const size_t end = std::min(text_.find_first_of(std::string_view(ends, 3), at_), text_.size());
  const std::string_view found = text_.substr(at_, end - at_);
  if (found.size() > kMaxCsvFieldBytes) return bad("a field of more than 1 MiB");
  if (found.find('"') != found.npos) {
    return bad("a quote inside an unquoted field, want the whole field quoted");
  }
  if (found.find('\0') != found.npos) return bad(kZeroByte);
  field = found;
  at_ = end;
  return {};
}

Result<bool> CsvReader::next(std::vector<std::string>& fields) {
  pass_empty_lines();
  if (at_ == text_.size()) return false;
  record_line_ = line_;
  size_t count = 0;
  while (true) {
    if (count == kMaxCsvFields) return bad("more than 65536 fields");
    if (fields.size() == count) fields.emplace_back();
    std::string& field = fields[count++];
    field.clear();
    if (at_ < text_.size() && text_[at_] == '"') {
      TRY_OK(quoted(field));
    } else {
      TRY_OK(plain(field));
    }
    if (at_ == text_.size()) break;
    const char c = text_[at_++];
    if (c == separator_) continue;
    if (c == '\r' && (at_ == text_.size() || text_[at_++] != '\n')) {
      return bad("a carriage return without a line feed");
    }
    ++line_;
    break;
  }
  fields.resize(count);
  return true;
}

}  // namespace cloister::audit
