// What a key server counts, as Prometheus reads it. Written by hand, since no library belongs into
// a program that holds keys for the sake of a few lines.
#pragma once

#include <map>
#include <mutex>

#include "keyserver/key_store.h"
#include "keyserver/release_log.h"

namespace cloister::serving {

// Thread-safe.
class KeyMetrics {
 public:
  // "ok", "quota", "unavailable".
  void challenge(const std::string& outcome);
  // "released", "refused", "unavailable". `key`: of the folder, never a word of who asks; empty
  // where it came to none.
  void request(const std::string& key, const std::string& outcome);
  // What the folder holds now.
  void keys(const std::vector<StoredKey>& keys);

  // In Prometheus' text format, version 0.0.4.
  std::string text(const LogHead& head) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, uint64_t> challenges_;
  std::map<std::pair<std::string, std::string>, uint64_t> requests_;
  size_t usable_ = 0;
  size_t revoked_ = 0;
  size_t unreadable_ = 0;
};

}  // namespace cloister::serving
