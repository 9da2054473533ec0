// Which clients may send requests, and how often. Record: docs/formats/clients.md.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "serving/token_bucket.h"

namespace cloister::serving {

struct Client {
  std::string name;
  // What it shows: a bearer token (kept as its SHA-256, hexadecimal, since tokens are random) or a
  // certificate (SHA-256 of its DER). At least one is not empty.
  std::string token_sha256;
  std::string certificate_sha256;
  std::optional<double> requests_per_second;  // none: no limit
  double burst = 10;                          // requests that may come at once
};

Result<std::vector<Client>> parse_clients(std::string_view json);

// Knows clients by what they show, and counts what they ask for. Thread-safe.
class ClientGate {
 public:
  using Clock = std::chrono::steady_clock;

  // Without a list everybody may ask.
  explicit ClientGate(std::optional<std::vector<Client>> clients);

  enum class Verdict { kWelcome, kUnknown, kTooMany };
  // One more request from whoever shows this `authorization` ("Bearer TOKEN" or empty) and this
  // certificate (SHA-256, or empty). The certificate counts first.
  Verdict admit(std::string_view authorization, const std::string& certificate_sha256,
                Clock::time_point now);

 private:
  struct Account {
    Client client;
    std::optional<TokenBucket> quota;  // none: no limit
  };

  const Account* find(std::string_view authorization, const std::string& certificate_sha256) const;

  const bool open_to_all_;
  std::mutex mutex_;
  std::vector<Account> accounts_;
  std::map<std::string, size_t> by_token_;
  std::map<std::string, size_t> by_certificate_;
};

}  // namespace cloister::serving
