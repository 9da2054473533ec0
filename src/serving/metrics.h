// What a server counts and times, as Prometheus reads it. Nothing is derived from values of inputs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"

namespace cloister::serving {

// Thread-safe.
class Metrics {
 public:
  // Where a request's time goes.
  enum class Stage { kQueue, kHead, kLink, kTail, kBody, kTotal };

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The outcome of one request; ok or a word such as "invalid", "unavailable", "quota".
  void request(const std::string& outcome);
  void time(Stage stage, double seconds);
  // How often time() was called for a stage, and what it was given in all.
  struct Timed {
    uint64_t count = 0;
    double seconds = 0;
  };
  Timed timed(Stage stage) const;
  void queue_length(size_t requests);
  void batch(size_t items);
  uint64_t batches() const;  // that were run
  void worker_up(const std::string& worker, bool up);
  // It is no longer one; what it failed at stays counted.
  void forget_worker(const std::string& worker);
  // why: "lost", "stalled", "invalid_reply", "busy", "failed", "deadline", "refuses"
  void worker_failure(const std::string& worker, const std::string& why);
  // Results of a worker that were computed again inside.
  void checked(bool matched);
  void non_finite();
  // The outcome for one who asked for evidence; words as for request(), "deadline": waited too
  // long.
  void evidence(const std::string& outcome);
  // How long the source took for a piece of evidence, or to fail.
  void evidence_time(double seconds);

  // All of it in Prometheus' text format, version 0.0.4.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The word for an error's kind: "invalid", "unavailable", "deadline", ...
std::string outcome_word(Kind kind);

// Seconds between two times of std::chrono::steady_clock.
template <typename Time>
double seconds_between(Time from, Time to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace cloister::serving
