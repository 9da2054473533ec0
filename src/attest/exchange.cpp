#include "attest/exchange.h"

#include <openssl/evp.h>

#include "base/base64.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kRequestSchema = "cloister/attestation-request/1";
constexpr std::string_view kReplySchema = "cloister/attestation/1";
constexpr std::string_view kStatementSchema = "cloister/statement/1";
constexpr size_t kMaxBlob = 512 << 10;  // of base64
constexpr size_t kMaxManifest = 16 << 20;
constexpr size_t kMaxFile = 64 << 20;

// As they stand in JSON.
struct RequestRecord {
  std::string nonce;  // hexadecimal
  std::vector<std::string> kinds;
  std::vector<std::string> files;
};

struct BlobRecord {
  std::string name;
  std::string data;  // base64
};

struct File {
  std::string name;
  std::string text;
};

struct ReplyRecord {
  EvidenceKind kind = EvidenceKind::kSimulated;
  std::string report;  // base64
  std::vector<BlobRecord> parts;
  std::vector<BlobRecord> endorsements;
  std::string statement;
  std::string manifest;
  std::string manifest_signature;
  std::vector<File> files;
};

template <typename Io>
void fields(Io& io, Of<Io, RequestRecord> r) {
  io.schema("schema", kRequestSchema);
  io.digest("nonce", r.nonce);
  io.texts("kinds", r.kinds, 32, kShort);
  io.texts("files", r.files, 32, kShort);
}

template <typename Io>
void fields(Io& io, Of<Io, BlobRecord> r) {
  io.text("name", r.name, kShort);
  io.text_or_null("data", r.data, kMaxBlob);
}

template <typename Io>
void fields(Io& io, Of<Io, File> r) {
  io.text("name", r.name, kShort);
  io.text_or_null("text", r.text, kMaxFile);
}

template <typename Io>
void fields(Io& io, Of<Io, ReplyRecord> r) {
  io.schema("schema", kReplySchema);
  io.term("kind", r.kind);
  io.text_or_null("report", r.report, kMaxBlob);
  io.list("parts", r.parts, 32);
  io.list("endorsements", r.endorsements, 32);
  io.text("statement", r.statement, kLong);
  io.text("manifest", r.manifest, kMaxManifest);
  io.text_or_null("manifest_signature", r.manifest_signature, kLong);
  io.list("files", r.files, 32);
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Statement> r) {
  io.schema("schema", kStatementSchema);
  io.choice("role", r.role, {"server", "client"});
  io.text("mode", r.mode, kShort);
  io.digest("manifest_sha256", r.manifest_sha256);
  io.digest("config_sha256", r.config_sha256);
  io.text("tool", r.tool, kShort);
  io.text_or_null("recipient", r.recipient, kShort);
  io.texts_if_any("sandbox", r.sandbox, 8, kShort);
}

namespace {

std::vector<BlobRecord> records_of(const std::vector<Blob>& blobs) {
  std::vector<BlobRecord> records;
  for (const Blob& blob : blobs) {
    records.push_back({blob.name, base64(blob.bytes, Base64::kPadded)});
  }
  return records;
}

Result<std::vector<Blob>> blobs_of(std::vector<BlobRecord> records) {
  std::vector<Blob> blobs;
  for (BlobRecord& record : records) {
    auto bytes = parse_base64(record.data, Base64::kPadded);
    if (!bytes) return with_context(bytes.error(), printable(record.name));
    blobs.push_back({std::move(record.name), std::move(*bytes)});
  }
  return blobs;
}

}  // namespace

Result<ReportData> report_data(Role role, const Digest& server_key, const Nonce& nonce,
                               const std::array<std::byte, 32>& exported,
                               std::string_view statement_json) {
  constexpr std::string_view kPrefix("cloister-attestation-v1\0", 24);
  const Digest statement = sha256(as_bytes(statement_json));
  std::string message(kPrefix);
  message += static_cast<char>(role);
  for (const Bytes part : {Bytes(server_key), nonce.view(), Bytes(exported), Bytes(statement)}) {
    message += as_text(part);
  }
  ReportData out;
  auto* const digest = reinterpret_cast<unsigned char*>(out.bytes.data());
  if (EVP_Q_digest(nullptr, "SHA512", nullptr, message.data(), message.size(), digest, nullptr) !=
      1) {
    return fail(Kind::kInternal, "no SHA-512");
  }
  return out;
}

std::string write_request(const ExchangeRequest& request) {
  return write_json_record(RequestRecord{to_string(request.nonce), request.kinds, request.files});
}

Result<ExchangeRequest> parse_request(std::string_view json) {
  TRY(record, read_json_record<RequestRecord>(json, kRequestSchema, kMaxRequestBytes));
  ExchangeRequest request{.kinds = std::move(record.kinds), .files = std::move(record.files)};
  TRY_OK(from_string(record.nonce, request.nonce));
  return request;
}

std::string write_statement(const Statement& statement) {
  return write_json_record(statement);
}

Result<Statement> parse_statement(std::string_view json) {
  return read_json_record<Statement>(json, kStatementSchema, kLong);
}

std::string write_reply(const ExchangeReply& reply) {
  ReplyRecord record{.kind = reply.evidence.kind,
                     .report = base64(reply.evidence.report, Base64::kPadded),
                     .parts = records_of(reply.evidence.parts),
                     .endorsements = records_of(reply.endorsements.blobs),
                     .statement = reply.statement_json,
                     .manifest = reply.manifest_json,
                     .manifest_signature = reply.manifest_signature};
  for (const auto& [name, text] : reply.files) record.files.push_back({name, text});
  return write_json_record(record);
}

Result<ExchangeReply> parse_reply(std::string_view json) {
  TRY(record, read_json_record<ReplyRecord>(json, kReplySchema, kMaxExchangeBytes));
  ExchangeReply reply{.statement_json = std::move(record.statement),
                      .manifest_json = std::move(record.manifest),
                      .manifest_signature = std::move(record.manifest_signature)};
  reply.evidence.kind = record.kind;
  TRY(report, parse_base64(record.report, Base64::kPadded));
  reply.evidence.report = std::move(report);
  TRY(parts, blobs_of(std::move(record.parts)));
  reply.evidence.parts = std::move(parts);
  TRY(endorsements, blobs_of(std::move(record.endorsements)));
  reply.endorsements.blobs = std::move(endorsements);
  for (File& file : record.files) {
    if (!reply.files.emplace(file.name, std::move(file.text)).second) {
      return invalid("file '{}' is given twice", printable(file.name));
    }
  }
  return reply;
}

}  // namespace cloister::attest
