#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "client/verified_connection.h"

namespace cloister {

// The flags of commands that talk to a server: what it must prove, and who the client is.
struct TrustOptions {
  std::string url;
  std::string policy;
  bool allow_simulated = false;
  std::vector<std::string> signers;
  uint64_t min_version = 0;
  std::string manifest_sha256;
  std::string ca;
  std::string cert, key;
  std::string token_file;

  // All of them, with URL as an argument.
  void add_to(CLI::App& command);
  // Two parts of them: what must hold of a server, and how to reach it.
  void add_policy_to(CLI::App& command);
  void add_connection_to(CLI::App& command);

  struct Read {
    net::Url url;
    serving::VerifyOptions verify;
    std::string token;  // empty: none
  };
  // Reads the files that were named.
  Result<Read> read() const;
  Result<attest::TrustPolicy> read_policy() const;
};

// One line on stderr for each thing that a user must know about a server that was accepted.
void warn_about(const serving::ServerFacts& facts);

}  // namespace cloister
