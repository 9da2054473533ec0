#include "keyserver/key_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace cloister::serving {

struct KeyMetrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& challenges = prometheus::BuildCounter()
                                                            .Name("cloister_key_challenges_total")
                                                            .Help("Challenges, by outcome")
                                                            .Register(registry);
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("cloister_key_requests_total")
          .Help("Requests for keys, by key and outcome")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& keys = prometheus::BuildGauge()
                                                    .Name("cloister_keys")
                                                    .Help("Keys in the folder, by state")
                                                    .Register(registry);
  prometheus::Gauge& usable = keys.Add({{"state", "usable"}});
  prometheus::Gauge& revoked = keys.Add({{"state", "revoked"}});
  prometheus::Gauge& unreadable = keys.Add({{"state", "unreadable"}});
  prometheus::Gauge& log_seq = prometheus::BuildGauge()
                                   .Name("cloister_release_log_seq")
                                   .Help("Number of the log's last line")
                                   .Register(registry)
                                   .Add({});
};

KeyMetrics::KeyMetrics() : impl_(std::make_unique<Impl>()) {}
KeyMetrics::~KeyMetrics() = default;

void KeyMetrics::challenge(const std::string& outcome) {
  impl_->challenges.Add({{"outcome", outcome}}).Increment();
}

void KeyMetrics::request(const std::string& key, const std::string& outcome) {
  impl_->requests.Add({{"key", key}, {"outcome", outcome}}).Increment();
}

void KeyMetrics::keys(const std::vector<StoredKey>& keys) {
  size_t usable = 0;
  size_t revoked = 0;
  size_t unreadable = 0;
  for (const StoredKey& key : keys) {
    ++(!key.record ? unreadable : key.record->revoked ? revoked : usable);
  }
  impl_->usable.Set(static_cast<double>(usable));
  impl_->revoked.Set(static_cast<double>(revoked));
  impl_->unreadable.Set(static_cast<double>(unreadable));
}

std::string KeyMetrics::text(const LogHead& head) const {
  impl_->log_seq.Set(static_cast<double>(head.seq));
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace cloister::serving
