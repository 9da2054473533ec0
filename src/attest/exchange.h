// What client and server say to one another before any input is sent: a nonce there, evidence back
// that is bound to this very TLS connection. Encoding only; docs/formats/attestation.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/fixed.h"
#include "base/sha256.h"

namespace cloister::attest {

inline constexpr const char* kExporterLabel = "EXPORTER-cloister-attestation-v1";
inline constexpr const char* kExchangeTarget = "/cloister/v1/attestation";
inline constexpr uint64_t kMaxRequestBytes = 16 << 10;
inline constexpr uint64_t kMaxExchangeBytes = 96 << 20;  // the audit record is the largest part

// Entries of a bundle that whoever is to send inputs may see.
inline constexpr const char* kPublicFiles[] = {"audit.json", "encoding.json", "labels.txt",
                                               "plan.json", "preprocess.json"};

using Nonce = Fixed<32>;
using ReportData = Fixed<64>;

// The role of the party that shows evidence; keeps the two directions of a connection apart.
enum class Role : char { kServer = 'S', kClient = 'C' };

struct ExchangeRequest {
  Nonce nonce{};
  std::vector<std::string> kinds;  // of evidence that the asker can judge; empty: any
  std::vector<std::string> files;  // entries of the bundle that it wants to see
};

// What evidence vouches for, besides the program that made it. Its JSON is hashed as transmitted.
struct Statement {
  std::string role = "server";
  std::string mode;             // "simulated", "tpm", "tee": kind_class() of the evidence
  std::string manifest_sha256;  // of the bundle, hexadecimal
  std::string config_sha256;    // of all that the host may choose
  std::string tool;             // "cloister 0.1.0": what it says of itself, not what is measured
  std::string recipient;        // of the client: the age recipient that keys are to be wrapped for
  std::vector<std::string> sandbox;  // what is active of "files" (Landlock) and "calls" (seccomp)
};

struct ExchangeReply {
  Evidence evidence;
  Endorsements endorsements;
  std::string statement_json;  // exactly as hashed
  std::string manifest_json;
  std::string manifest_signature;            // of minisign; empty: none
  std::map<std::string, std::string> files;  // those asked for that there are
};

// SHA-512 over "cloister-attestation-v1\0" || role || SHA-256 of the server's public key (DER
// SubjectPublicKeyInfo) || nonce || exported keying material || SHA-256 of the statement.
Result<ReportData> report_data(Role role, const Digest& server_key, const Nonce& nonce,
                               const std::array<std::byte, 32>& exported,
                               std::string_view statement_json);

std::string write_request(const ExchangeRequest& request);
Result<ExchangeRequest> parse_request(std::string_view json);
std::string write_statement(const Statement& statement);
Result<Statement> parse_statement(std::string_view json);
std::string write_reply(const ExchangeReply& reply);
Result<ExchangeReply> parse_reply(std::string_view json);

}  // namespace cloister::attest
