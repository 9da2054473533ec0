// encoding.json and trained-on.json: no input crashes their readers, what an encoding's reader
// accepts is written and read unchanged, and encodes rows without leaving its bounds.
#include <cstdlib>

#include "data/encoder_json.h"
#include "data/victim_train_json.h"

using namespace cloister;
using namespace cloister::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_victim_train(text);
  const auto encoding = parse_encoding(text);
  if (!encoding) return 0;
  const auto written = encoding_json(*encoding);
  if (!written) std::abort();
  const auto again = parse_encoding(*written);
  if (!again || *encoding_json(*again) != *written) std::abort();

  // A table of these columns, as it is before any options: bind() must find what does not fit.
  Table table;
  table.items.resize(2);
  for (const ColumnEncoding& column : encoding->columns) {
    Column& made = table.columns.emplace_back();
    made.name = column.code.name;
    made.categorical = column.code.categorical;
    made.numbers = {1, -1e300};
    made.codes = {0, 1};
    made.categories = {column.categories.empty() ? "x" : column.categories.back()};
  }
  const auto encoder = bind_encoding(*encoding, table);
  if (!encoder) std::abort();
  const size_t rows[] = {0, 1};
  const auto features = encoder->encode(table, rows);
  if (!features) return 0;
  for (size_t c = 0; c < encoding->columns.size(); ++c) {
    if (!encoder->decode(features->view(), c)) std::abort();
  }
  return 0;
}
