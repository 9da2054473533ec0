#include "serving/key_messages.h"

#include "record/reader.h"
#include "record/writer.h"

namespace cloister::serving {
namespace {

constexpr std::string_view kRequestSchema = "cloister/key-request/1";
constexpr std::string_view kReplySchema = "cloister/key-release/1";

// As they stand in JSON.
struct HeaderRecord {
  std::string entry;
  std::string header;
};

struct RequestRecord {
  std::string reply;
  std::vector<std::string> recipients;
  std::vector<HeaderRecord> headers;
};

struct ReplyRecord {
  std::string key;
  std::vector<HeaderRecord> headers;
};

template <typename Io>
void fields(Io& io, Of<Io, HeaderRecord> r) {
  io.text("entry", r.entry, kShort);
  io.text("header", r.header, age::kMaxHeaderBytes);
}

template <typename Io>
void fields(Io& io, Of<Io, RequestRecord> r) {
  io.schema("schema", kRequestSchema);
  io.text("reply", r.reply, attest::kMaxExchangeBytes);
  io.texts("recipients", r.recipients, age::kMaxRecipients, kShort);
  io.list("headers", r.headers, kMaxHeaders);
}

template <typename Io>
void fields(Io& io, Of<Io, ReplyRecord> r) {
  io.schema("schema", kReplySchema);
  io.text("key", r.key, kShort);
  io.list("headers", r.headers, kMaxHeaders);
}

std::vector<HeaderRecord> records_of(const bundle::WrappedKeys& headers) {
  std::vector<HeaderRecord> records;
  for (const auto& [entry, header] : headers) records.push_back({entry, header});
  return records;
}

Result<bundle::WrappedKeys> headers_of(std::vector<HeaderRecord> records) {
  bundle::WrappedKeys headers;
  for (HeaderRecord& record : records) {
    if (!headers.emplace(record.entry, std::move(record.header)).second) {
      return invalid("the header of entry '{}' is given twice", printable(record.entry));
    }
  }
  return headers;
}

}  // namespace

std::string write_key_request(const KeyRequest& request) {
  return write_json_record(
      RequestRecord{request.reply_json, request.recipients, records_of(request.headers)});
}

Result<KeyRequest> parse_key_request(std::string_view json) {
  TRY(record, read_json_record<RequestRecord>(json, kRequestSchema, kMaxKeyRequestBytes));
  TRY(headers, headers_of(std::move(record.headers)));
  return KeyRequest{std::move(record.reply), std::move(record.recipients), std::move(headers)};
}

std::string write_key_reply(const KeyReply& reply) {
  return write_json_record(ReplyRecord{reply.key, records_of(reply.headers)});
}

Result<KeyReply> parse_key_reply(std::string_view json) {
  TRY(record, read_json_record<ReplyRecord>(json, kReplySchema, kMaxKeyReplyBytes));
  TRY(headers, headers_of(std::move(record.headers)));
  return KeyReply{std::move(record.key), std::move(headers)};
}

}  // namespace cloister::serving
