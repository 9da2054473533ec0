// Everything that the operator of cloisterd may choose. Its digest is part of what clients verify
// about the server, so that a host can't loosen it unseen. Record: docs/formats/config.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cloister::serving {

struct ServerConfig {
  std::string listen = "127.0.0.1:8443";  // address:port; port 0: any free one
  std::string metrics_listen;             // empty: no metrics
  std::vector<std::string> names;         // in the certificate, beside the listening address
  std::vector<std::string> workers;       // URLs
  std::string workers_file;               // of others, which may change; empty: none
  std::string worker_ca_sha256;           // of the authority's PEM file; empty: the system's
  std::vector<std::string> signers;       // minisign public keys that bundles must be signed by
  uint64_t min_version = 0;               // of the bundle
  std::string clients_sha256;             // of the clients file; empty: everybody may ask
  std::string client_ca_sha256;           // empty: no client certificates
  bool own_certificate = true;            // made at each start; or given, and may be replaced

  int threads = 1;     // that work on one run
  int io_threads = 1;  // that move bytes
  int links = 2;       // batches that workers may have at a time
  uint64_t queue = 128;
  uint64_t batch_delay_us = 0;
  uint64_t max_connections = 1024;
  uint64_t max_per_address = 512;
  uint64_t max_body_bytes = 64 << 20;
  uint64_t memory_bytes = 1ULL << 30;  // that requests may hold
  // Where evidence comes from: words of attest::Source, and of tpm2-tss.
  std::string evidence = "auto";
  std::string tpm;                   // empty: not used
  double evidence_per_s = 20;        // how often it is made
  std::string key_server;            // URL; empty: the key is at hand
  std::string key_server_ca_sha256;  // of the authority's PEM file; empty: any certificate
  double deadline_s = 10;
  double worker_timeout_s = 5;
  double quarantine_s = 60;
  double verify_rate = 0;
  double verify_tolerance = 1e-3;
  bool verify_stops = false;
  double drain_s = 30;
  std::string sandbox = "auto";  // "auto", "require", "off"; what is active is in the statement
};

// The record, one field a line, always in the same order: what is hashed.
std::string config_json(const ServerConfig& config);
std::string config_sha256(const ServerConfig& config);  // hexadecimal

}  // namespace cloister::serving
