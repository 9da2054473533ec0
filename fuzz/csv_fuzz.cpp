// CsvReader: no input crashes it, and what it accepts survives quoting and reading unchanged.
// Tables made of it: each row that is asked about is encoded, in order.
#include <cstdlib>

#include "data/csv.h"
#include "data/inference_rows.h"

using namespace cloister::audit;

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

// Of the table's own columns, whatever they are.
void ask_about(std::string_view text) {
  const auto table = parse_table(text, {});
  if (!table) return;
  const size_t rows[] = {0};
  const auto encoder = TableEncoder::fit(*table, rows, {});
  if (!encoder) return;
  const auto asked = parse_inference_rows(text, make_encoding(*encoder, *table, {}));
  if (asked && asked->lines.size() != table->rows_read) std::abort();
  if (asked) (void)unseen_notes(asked->unseen);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ask_about(text);
  Records first;
  if (!read_all(text, first)) return 0;
  Records again;
  if (!read_all(quoted(first), again) || again != first) std::abort();
  return 0;
}
