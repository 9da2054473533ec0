#include "serving/statistics.h"

namespace cloister::serving {
namespace {

std::string duration(const char* name, uint64_t count, double seconds) {
  return fmt::format(R"("{}":{{"count":{},"ns":{:.0f}}})", name, count, seconds * 1e9);
}

}  // namespace

void Statistics::add(int64_t items, Clock::duration took) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::scoped_lock lock(mutex_);
  Total& total = items > 0 ? success_ : fail_;
  ++total.count;
  total.time += took;
  items_ += items;
  if (items > 0) last_ms_ = now / std::chrono::milliseconds(1);
}

std::string Statistics::json(std::string_view model, std::string_view version,
                             const Metrics& metrics) const {
  using enum Metrics::Stage;
  const Metrics::Timed queue = metrics.timed(kQueue);
  double computing = 0;
  for (const auto stage : {kHead, kLink, kTail, kBody}) computing += metrics.timed(stage).seconds;
  const uint64_t batches = metrics.batches();
  const std::scoped_lock lock(mutex_);
  std::string json = fmt::format(
      R"({{"model_stats":[{{"name":"{}","version":"{}","last_inference":{},"inference_count":{},)"
      R"("execution_count":{},"inference_stats":{{{},{},{},{})",
      model, version, last_ms_, items_, batches,
      duration("success", success_.count, Seconds(success_.time).count()),
      duration("fail", fail_.count, Seconds(fail_.time).count()),
      duration("queue", queue.count, queue.seconds), duration("compute_infer", batches, computing));
  for (const char* unknown : {"compute_input", "compute_output", "cache_hit", "cache_miss"}) {
    json += "," + duration(unknown, 0, 0);
  }
  return json + R"(},"batch_stats":[]}]})";
}

}  // namespace cloister::serving
