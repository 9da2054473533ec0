// The untrusted side: a body behind a queue.
#pragma once

#include "serving/batcher.h"

namespace cloister::serving {

// Runs what is submitted in batches, on a thread of its own. Thread-safe.
class Body {
 public:
  // `metrics` outlives it.
  Body(std::unique_ptr<Program> program, const BatcherOptions& options, Metrics& metrics);

  // As Pipeline's.
  void submit(Job job) { batcher_.push(std::move(job)); }
  // For whoever asks it without the queue.
  Program& program() { return *program_; }

 private:
  void run(std::vector<Job> jobs);

  const std::unique_ptr<Program> program_;
  Metrics& metrics_;
  Batcher batcher_;  // last: it uses the above
};

}  // namespace cloister::serving
