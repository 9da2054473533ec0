#include "keyserver/key_metrics.h"

namespace cloister::serving {
namespace {

std::string head_of(std::string_view name, std::string_view type, std::string_view help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

}  // namespace

void KeyMetrics::challenge(const std::string& outcome) {
  const std::scoped_lock lock(mutex_);
  ++challenges_[outcome];
}

void KeyMetrics::request(const std::string& key, const std::string& outcome) {
  const std::scoped_lock lock(mutex_);
  ++requests_[{key, outcome}];
}

void KeyMetrics::keys(const std::vector<StoredKey>& keys) {
  const std::scoped_lock lock(mutex_);
  usable_ = revoked_ = unreadable_ = 0;
  for (const StoredKey& key : keys) {
    ++(!key.record ? unreadable_ : key.record->revoked ? revoked_ : usable_);
  }
}

std::string KeyMetrics::text(const LogHead& head) const {
  const std::scoped_lock lock(mutex_);
  std::string out = head_of("cloister_key_challenges_total", "counter", "Challenges, by outcome");
  for (const auto& [outcome, count] : challenges_) {
    out += fmt::format("cloister_key_challenges_total{{outcome=\"{}\"}} {}\n", outcome, count);
  }
  out += head_of("cloister_key_requests_total", "counter", "Requests for keys, by key and outcome");
  // Names need no escapes: check_model_name() allows no character that would.
  for (const auto& [what, count] : requests_) {
    out += fmt::format("cloister_key_requests_total{{key=\"{}\",outcome=\"{}\"}} {}\n", what.first,
                       what.second, count);
  }
  out += head_of("cloister_keys", "gauge", "Keys in the folder, by state");
  out += fmt::format("cloister_keys{{state=\"usable\"}} {}\n", usable_);
  out += fmt::format("cloister_keys{{state=\"revoked\"}} {}\n", revoked_);
  out += fmt::format("cloister_keys{{state=\"unreadable\"}} {}\n", unreadable_);
  out += head_of("cloister_release_log_seq", "gauge", "Number of the log's last line");
  return out + fmt::format("cloister_release_log_seq {}\n", head.seq);
}

}  // namespace cloister::serving
