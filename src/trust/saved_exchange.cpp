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

constexpr size_t kSnpReportBytes = 1184;
constexpr size_t kHclTypeAt = 1224;

// A number at the beginning, or nothing where there are too few bytes.
template <typename T>
std::optional<T> number_at(Bytes bytes, size_t offset) {
  if (bytes.size() < offset + sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;  // little-endian, as this program's machines are
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

Result<EvidenceKind> guess_kind(Bytes report) {
  constexpr std::string_view kHcl = "HCLA";
  constexpr std::string_view kSimulated = "cloister-sim/1";
  constexpr std::string_view kTpmMagic = "\xffTCG";
  const std::string_view text = as_text(report);
  if (text.starts_with(kSimulated)) return EvidenceKind::kSimulated;
  if (text.starts_with(kTpmMagic)) return EvidenceKind::kTpm;
  if (text.starts_with(kHcl)) {
    constexpr uint32_t kTdxReport = 4;
    return number_at<uint32_t>(report, kHclTypeAt) == kTdxReport ? EvidenceKind::kAzureTdx
                                                                 : EvidenceKind::kAzureSnp;
  }
  const auto version = number_at<uint32_t>(report, 0);
  if (report.size() == kSnpReportBytes && version >= 2U && version <= 5U) {
    return EvidenceKind::kSnp;
  }
  const auto quote_version = number_at<uint16_t>(report, 0);
  const auto tee = number_at<uint32_t>(report, 4);
  if (quote_version >= 3 && quote_version <= 5 && tee == 0U) return EvidenceKind::kSgx;
  if (quote_version >= 4 && quote_version <= 5 && tee == 0x81U) return EvidenceKind::kTdx;
  return invalid("{} bytes that are not evidence of a known kind", report.size());
}

}  // namespace cloister::attest
