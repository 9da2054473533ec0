#include "worker/body.h"

namespace cloister::serving {

Body::Body(std::unique_ptr<Program> program, const BatcherOptions& options, Metrics& metrics)
    : program_(std::move(program)),
      metrics_(metrics),
      batcher_(options, metrics, [this](std::vector<Job> jobs) { run(std::move(jobs)); }) {}

void Body::run(std::vector<Job> jobs) {
  const auto began = Clock::now();
  auto outputs = [&]() -> Result<std::vector<Tensor>> {
    TRY(inputs, stack(jobs));
    return program_->run(views_of(inputs));
  }();
  metrics_.time(Metrics::Stage::kBody, seconds_between(began, Clock::now()));
  if (outputs || jobs.size() == 1) return answer(std::move(jobs), std::move(outputs), {}, metrics_);
  // One of them can't be run: it must not spoil the others.
  for (Job& job : jobs) {
    std::vector<Job> alone;
    alone.push_back(std::move(job));
    run(std::move(alone));
  }
}

}  // namespace cloister::serving
