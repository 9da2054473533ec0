// What a trusted server and a key server say to one another. Encoding only;
// docs/formats/key-release.md.
#pragma once

#include "attest/exchange.h"
#include "bundle/bundle.h"

namespace cloister::serving {

inline constexpr const char* kChallengeTarget = "/cloister/v1/key-release/challenge";
inline constexpr const char* kReleaseTarget = "/cloister/v1/key-release";
inline constexpr const char* kHeadTarget = "/cloister/v1/key-release/head";

inline constexpr uint64_t kMaxKeyRequestBytes = 192 << 20;  // the audit record is the largest part
inline constexpr uint64_t kMaxKeyReplyBytes = 4 << 20;
inline constexpr size_t kMaxHeaders = 16;

// Evidence, and what is to be opened with it.
struct KeyRequest {
  std::string reply_json;               // an attest::ExchangeReply
  std::vector<std::string> recipients;  // that the bundle is encrypted to: they name the key
  bundle::WrappedKeys headers;          // of its encrypted entries
};

struct KeyReply {
  std::string key;              // its name, for logs
  bundle::WrappedKeys headers;  // of the same entries, for the recipient in the statement
};

std::string write_key_request(const KeyRequest& request);
Result<KeyRequest> parse_key_request(std::string_view json);
std::string write_key_reply(const KeyReply& reply);
Result<KeyReply> parse_key_reply(std::string_view json);

}  // namespace cloister::serving
