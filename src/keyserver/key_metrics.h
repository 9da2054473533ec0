// What a key server counts, as Prometheus reads it.
#pragma once

#include <memory>

#include "keyserver/key_store.h"
#include "keyserver/release_log.h"

namespace cloister::serving {

// Thread-safe.
class KeyMetrics {
 public:
  KeyMetrics();
  ~KeyMetrics();
  KeyMetrics(const KeyMetrics&) = delete;
  KeyMetrics& operator=(const KeyMetrics&) = delete;

  // "ok", "quota", "unavailable".
  void challenge(const std::string& outcome);
  // "released", "refused", "unavailable". `key`: a name from the folder, never text from a request;
  // empty where the request matched none.
  void request(const std::string& key, const std::string& outcome);
  // The contents of the folder now.
  void keys(const std::vector<StoredKey>& keys);

  // In Prometheus' text format, version 0.0.4.
  std::string text(const LogHead& head) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloister::serving
