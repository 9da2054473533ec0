// What Triton's statistics extension says of a model, as far as it is measured here.
#pragma once

#include <mutex>

#include "serving/batch.h"

namespace cloister::serving {

// Thread-safe.
class Statistics {
 public:
  // A request for `items` was answered, `took` after it came; 0 items: with an error.
  void add(int64_t items, Clock::duration took);

  // {"model_stats": [...]}. Waiting and computing as `metrics` has them: each batch counts once.
  // What is not measured has the count 0, or no entries.
  std::string json(std::string_view model, std::string_view version, const Metrics& metrics) const;

 private:
  struct Total {
    uint64_t count = 0;
    Clock::duration time{};
  };

  mutable std::mutex mutex_;
  Total success_;
  Total fail_;
  int64_t items_ = 0;  // of those that succeeded
  int64_t last_ms_ = 0;
};

}  // namespace cloister::serving
