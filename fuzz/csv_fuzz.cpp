// CsvReader: no input crashes it, and what it accepts survives quoting and reading unchanged.
#include <cstdlib>

#include "data/csv.h"

using cloister::audit::CsvReader;

namespace {

using Records = std::vector<std::vector<std::string>>;

bool read_all(std::string_view text, Records& records) {
  CsvReader reader(text);
  std::vector<std::string> fields;
  while (true) {
    const auto more = reader.next(fields);
    if (!more) return false;
    if (!*more) return true;
    records.push_back(fields);
  }
}

std::string quoted(const Records& records) {
  std::string text;
  for (const auto& record : records) {
    for (size_t i = 0; i < record.size(); ++i) {
      text += i == 0 ? "\"" : ",\"";
      for (const char c : record[i]) text += c == '"' ? std::string(2, c) : std::string(1, c);
      text += '"';
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Records first;
  if (!read_all({reinterpret_cast<const char*>(data), size}, first)) return 0;
  Records again;
  if (!read_all(quoted(first), again) || again != first) std::abort();
  return 0;
}
