#include "trust/saved_exchange.h"

#include "record/reader.h"
#include "record/writer.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kSchema = "cloister/saved-exchange/1";

struct SavedRecord {
  std::string url;
  std::string when;
  ReportData expected;
  std::string reply;  // as it came
};

template <typename Io>
void fields(Io& io, Of<Io, SavedRecord> r) {
  io.schema("schema", kSchema);
  io.text("url", r.url, kName);
  io.text("when", r.when, kShort);
  io.term("report_data", r.expected);
  io.text("reply", r.reply, kMaxExchangeBytes);
}

}  // namespace

std::string write_saved_exchange(const SavedExchange& saved) {
  return write_json_record(
      SavedRecord{saved.url, time_text(saved.when), saved.expected, write_reply(saved.reply)});
}

Result<SavedExchange> parse_saved_exchange(std::string_view json) {
  TRY(record, read_json_record<SavedRecord>(json, kSchema, 2 * kMaxExchangeBytes));
  TRY(when, parse_time(record.when));
  TRY(reply, parse_reply(record.reply));
  return SavedExchange{std::move(record.url), when, record.expected, std::move(reply)};
}

}  // namespace cloister::attest
