#include "attest/exchange.h"

#include <openssl/evp.h>

#include "bundle/base64.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kRequestSchema = "cloister/attestation-request/1";
constexpr std::string_view kReplySchema = "cloister/attestation/1";
constexpr std::string_view kClaimsSchema = "cloister/claims/1";
constexpr size_t kMaxBlob = 512 << 10;  // of base64
constexpr size_t kMaxManifest = 16 << 20;
constexpr size_t kMaxFile = 64 << 20;

// As they stand in JSON.
struct RequestRecord {
  std::string nonce;  // hexadecimal
  std::vector<std::string> kinds;
  std::vector<std::string> files;
};

struct Blob {
  std::string name;
  std::string data;  // base64
};

struct File {
  std::string name;
  std::string text;
};

struct ReplyRecord {
  std::string kind;
  std::string evidence;
  std::vector<Blob> endorsements;
  std::string claims;
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
void fields(Io& io, Of<Io, Blob> r) {
  io.text("name", r.name, kShort);
  io.text("data", r.data, kMaxBlob);
}

template <typename Io>
void fields(Io& io, Of<Io, File> r) {
  io.text("name", r.name, kShort);
  io.text("text", r.text, kMaxFile);
}

template <typename Io>
void fields(Io& io, Of<Io, ReplyRecord> r) {
  io.schema("schema", kReplySchema);
  io.text("kind", r.kind, kShort);
  io.text("evidence", r.evidence, kMaxBlob);
  io.list("endorsements", r.endorsements, 32);
  io.text("claims", r.claims, kLong);
  io.text("manifest", r.manifest, kMaxManifest);
  io.text_or_null("manifest_signature", r.manifest_signature, kLong);
  io.list("files", r.files, 32);
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Claims> r) {
  io.schema("schema", kClaimsSchema);
  io.choice("role", r.role, {"server", "client"});
  io.text("mode", r.mode, kShort);
  io.digest("manifest_sha256", r.manifest_sha256);
  io.digest("config_sha256", r.config_sha256);
  io.text("tool", r.tool, kShort);
}

namespace {

Nonce parse_nonce(const std::string& hex) {
  Nonce nonce{};
  for (size_t i = 0; i < nonce.size(); ++i) {
    // RecordReader has checked that there are 64 digits.
    nonce[i] = static_cast<std::byte>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  }
  return nonce;
}

}  // namespace

ReportData report_data(Role role, const Digest& server_key, const Nonce& nonce,
                       const std::array<std::byte, 32>& exported, std::string_view claims_json) {
  constexpr std::string_view kPrefix("cloister-attestation-v1\0", 24);
  const Digest claims = sha256(as_bytes(claims_json));
  std::string message(kPrefix);
  message += static_cast<char>(role);
  for (const Bytes part : {Bytes(server_key), Bytes(nonce), Bytes(exported), Bytes(claims)}) {
    message += as_text(part);
  }
  ReportData out{};
  EVP_Q_digest(nullptr, "SHA512", nullptr, message.data(), message.size(),
               reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

std::string write_request(const ExchangeRequest& request) {
  return layout_json(
      RecordWriter::json_of(RequestRecord{to_hex(request.nonce), request.kinds, request.files}));
}

Result<ExchangeRequest> parse_request(std::string_view json) {
  constexpr uint64_t kMaxBytes = 16 << 10;
  TRY(record, read_json_record<RequestRecord>(json, kRequestSchema, kMaxBytes));
  return ExchangeRequest{parse_nonce(record.nonce), std::move(record.kinds),
                         std::move(record.files)};
}

std::string write_claims(const Claims& claims) {
  return layout_json(RecordWriter::json_of(claims));
}

Result<Claims> parse_claims(std::string_view json) {
  return read_json_record<Claims>(json, kClaimsSchema, kLong);
}

std::string write_reply(const ExchangeReply& reply) {
  ReplyRecord record{.kind = reply.kind,
                     .evidence = base64(reply.evidence, Padding::kRequired),
                     .claims = reply.claims_json,
                     .manifest = reply.manifest_json,
                     .manifest_signature = reply.manifest_signature};
  for (const auto& [name, data] : reply.endorsements) {
    record.endorsements.push_back({name, base64(data, Padding::kRequired)});
  }
  for (const auto& [name, text] : reply.files) record.files.push_back({name, text});
  return layout_json(RecordWriter::json_of(record));
}

Result<ExchangeReply> parse_reply(std::string_view json) {
  TRY(record, read_json_record<ReplyRecord>(json, kReplySchema, kMaxExchangeBytes));
  ExchangeReply reply{.kind = record.kind,
                      .claims_json = std::move(record.claims),
                      .manifest_json = std::move(record.manifest),
                      .manifest_signature = std::move(record.manifest_signature)};
  TRY(evidence, parse_base64(record.evidence, Padding::kRequired));
  reply.evidence = std::move(evidence);
  for (const Blob& blob : record.endorsements) {
    TRY(data, parse_base64(blob.data, Padding::kRequired));
    if (!reply.endorsements.emplace(blob.name, std::move(data)).second) {
      return invalid("endorsement '{}' is given twice", printable(blob.name));
    }
  }
  for (File& file : record.files) {
    if (!reply.files.emplace(file.name, std::move(file.text)).second) {
      return invalid("file '{}' is given twice", printable(file.name));
    }
  }
  return reply;
}

}  // namespace cloister::attest
