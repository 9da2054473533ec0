#include "tee/pipeline.h"

#include <algorithm>

#include "base/log.h"
#include "serving/parts.h"
#include "tee/recompute.h"
#include "tensor/finite.h"

namespace cloister::serving {
namespace {

// Which jobs of a batch have a part of it that is not finite. Whose part can't be told from the
// others' has what they have.
std::vector<bool> which_non_finite(const std::vector<Job>& jobs,
                                   const std::vector<Tensor>& results) {
  std::vector<bool> found(jobs.size(), false);
  int64_t items = 0;
  for (const Job& job : jobs) items += job.items;
  for (const Tensor& result : results) {
    if (all_finite(result.view())) continue;
    int64_t begin = 0;
    for (size_t i = 0; i < jobs.size(); ++i) {
      const auto part = slice({result}, items, begin, jobs[i].items);
      if (jobs.size() == 1 || !part || !all_finite(part->front().view())) found[i] = true;
      begin += jobs[i].items;
    }
  }
  return found;
}

std::vector<Tensor> pick(const std::vector<Tensor>& slots, const std::vector<Slot>& wanted) {
  std::vector<Tensor> picked;
  for (const Slot slot : wanted) picked.push_back(slots[slot]);
  return picked;
}

void put(std::vector<Tensor>& slots, const std::vector<Slot>& places, std::vector<Tensor> made) {
  for (size_t i = 0; i < places.size(); ++i) slots[places[i]] = std::move(made[i]);
}

void let_go(std::vector<Tensor>& slots, const std::vector<Slot>& unneeded) {
  for (const Slot slot : unneeded) slots[slot] = Tensor();
}

// The items [begin, begin + count) of all that is in the slots.
Result<std::vector<Tensor>> slots_of(const std::vector<Tensor>& slots, int64_t items, int64_t begin,
                                     int64_t count) {
  std::vector<Tensor> part(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].shape().empty() && slots[i].data().empty()) continue;  // let go
    TRY(cut, slice({slots[i]}, items, begin, count));
    part[i] = std::move(cut.front());
  }
  return part;
}

}  // namespace

// A batch between its first step and its answer.
struct Pipeline::InFlightBatch {
  std::vector<Job> jobs;
  int64_t items = 0;
  std::vector<Tensor> slots;
  std::vector<bool> non_finite;  // by job
};

Pipeline::Pipeline(PipelineModel model, Steps steps, const PipelineOptions& options,
                   std::vector<WorkerPool*> workers, Metrics& metrics)
    : model_(std::move(model)),
      steps_(std::move(steps)),
      options_(options),
      metrics_(metrics),
      offloads_(model_.segments.size()) {
  auto next = workers.begin();
  for (const Step& step : steps_.steps) {
    if (!step.offload) continue;
    Offload& offload = offloads_[step.segment];
    offload.workers = *next++;
    LoadedSegment& segment = model_.segments[step.segment];
    if (!segment.program || options_.verify_rate <= 0) {
      offload.transform = std::make_unique<SegmentTransform>();
      continue;
    }
    offload.transform =
        sampled_recompute(std::move(segment.program), {segment.info.inputs, segment.info.outputs},
                          {.rate = options_.verify_rate,
                           .tolerance = options_.verify_tolerance,
                           .has_batches = options_.batcher.max_batch > 1});
  }
  if (!workers.empty()) {
    links_ = std::make_unique<HandoffPool<InFlightBatch>>(
        options_.links,
        [this](InFlightBatch batch) { finish(std::move(batch), steps_.first_offload); });
  }
  batcher_ = std::make_unique<Batcher>(options_.batcher, metrics_,
                                       [this](std::vector<Job> jobs) { begin(std::move(jobs)); });
}

Pipeline::~Pipeline() = default;

Result<std::unique_ptr<Pipeline>> Pipeline::start(PipelineModel model,
                                                  const PipelineOptions& options,
                                                  std::vector<WorkerPool*> workers,
                                                  Metrics& metrics) {
  TRY(steps, make_steps(model.served, model.segments));
  const auto untrusted = static_cast<size_t>(std::ranges::count(steps.steps, true, &Step::offload));
  if (untrusted != workers.size()) {
    return invalid("the plan has {} untrusted segments, and there are workers for {}", untrusted,
                   workers.size());
  }
  for (const LoadedSegment& segment : model.segments) {
    if (options.verify_rate > 0 && !segment.program) {
      return invalid("results are to be checked, and '{}' is not loaded", segment.info.name);
    }
  }
  return std::unique_ptr<Pipeline>(
      new Pipeline(std::move(model), std::move(steps), options, std::move(workers), metrics));
}

Result<> Pipeline::ready() const {
  if (stopped_) {
    return fail(Kind::kUnavailable, "stopped: a worker's result was not what the model gives");
  }
  for (const Offload& offload : offloads_) {
    if (offload.workers != nullptr) TRY_OK(offload.workers->ready());
  }
  return {};
}

void Pipeline::submit(Job job) {
  if (const Result<> can = ready(); !can) return job.done(std::unexpected(can.error()));
  batcher_->push(std::move(job));
}

// Steps until the first worker is asked.
void Pipeline::begin(std::vector<Job> jobs) {
  InFlightBatch batch{.jobs = std::move(jobs)};
  for (const Job& job : batch.jobs) batch.items += job.items;
  const auto began = Clock::now();
  const Result<> ran = run_in_parts(batch);
  metrics_.time(Metrics::Stage::kHead, seconds_between(began, Clock::now()));
  if (!ran && batch.jobs.size() > 1) {
    // One of them can't be run: it must not spoil the others.
    for (Job& job : batch.jobs) {
      std::vector<Job> alone;
      alone.push_back(std::move(job));
      begin(std::move(alone));
    }
    return;
  }
  if (!ran || !links_) return answer(std::move(batch), ran);
  links_->hand_over(std::move(batch));
}

// A worker gets the features of all parts together. Inputs that nothing needs any more are let go.
Result<> Pipeline::run_in_parts(InFlightBatch& batch) {
  int64_t most = batch.items;
  if (steps_.first_offload < steps_.steps.size()) {
    const Step& offload = steps_.steps[steps_.first_offload];
    most = items_at_once(batch.jobs[0], model_.segments[offload.segment].info.inputs);
  }
  TRY(parts, parts_of(batch.jobs, most));
  std::vector<std::vector<Tensor>> features;
  for (Part& part : parts) {
    std::vector<Tensor> slots(steps_.slots);
    put(slots, steps_.inputs, std::move(part.inputs));
    for (size_t i = 0; i < steps_.first_offload; ++i) {
      TRY_OK(run(steps_.steps[i], slots));
      let_go(slots, steps_.steps[i].last_used);
    }
    features.push_back(pick(slots, steps_.carried));
  }
  TRY(joined, join(parts, features));
  batch.slots.resize(steps_.slots);
  put(batch.slots, steps_.carried, std::move(joined));
  if (steps_.inputs_carried) {
    TRY(inputs, stack(batch.jobs));
    put(batch.slots, steps_.inputs, std::move(inputs));
  }
  for (Job& job : batch.jobs) job.inputs.clear();
  return {};
}

// Steps from `first` on: a worker's, and what comes behind it.
void Pipeline::finish(InFlightBatch batch, size_t first) {
  for (size_t i = first; i < steps_.steps.size(); ++i) {
    const Step& step = steps_.steps[i];
    const auto began = Clock::now();
    const Result<> done = step.offload ? offload(step, batch) : run(step, batch.slots);
    if (!step.offload) metrics_.time(Metrics::Stage::kTail, seconds_between(began, Clock::now()));
    if (!done && !step.offload && batch.jobs.size() > 1) return finish_alone(std::move(batch), i);
    if (!done) return answer(std::move(batch), done);
    let_go(batch.slots, step.last_used);
  }
  answer(std::move(batch), {});
}

// One of the jobs can't be run from here on. It must not spoil the others, and what the engine says
// of its values is not for them.
void Pipeline::finish_alone(InFlightBatch batch, size_t first) {
  int64_t begin = 0;
  for (size_t i = 0; i < batch.jobs.size(); ++i) {
    InFlightBatch alone{.items = batch.jobs[i].items};
    const auto part = slots_of(batch.slots, batch.items, begin, alone.items);
    begin += alone.items;
    if (!batch.non_finite.empty()) alone.non_finite = {batch.non_finite[i]};
    alone.jobs.push_back(std::move(batch.jobs[i]));
    if (part) {
      alone.slots = *part;
      finish(std::move(alone), first);
    } else {
      answer(std::move(alone), fail(Kind::kInternal, "the model failed on a batch of requests"));
    }
  }
}

Result<> Pipeline::run(const Step& step, std::vector<Tensor>& slots) const {
  std::vector<TensorView> views;
  for (const Slot slot : step.inputs) views.push_back(slots[slot].view());
  TRY(made, model_.segments[step.segment].program->run(views));
  put(slots, step.outputs, std::move(made));
  return {};
}

Result<> Pipeline::offload(const Step& step, InFlightBatch& batch) {
  const Offload& offload = offloads_[step.segment];
  const std::vector<Tensor> inputs = pick(batch.slots, step.inputs);
  const auto latest = std::ranges::max_element(batch.jobs, {}, &Job::deadline)->deadline;
  const auto began = Clock::now();
  TRY(sent, offload.transform->encode(inputs));
  // Without batches a first dimension is like any other, and a free one says nothing of the
  // result's.
  const int64_t items = options_.batcher.max_batch > 1 ? batch.items : 0;
  auto reply = offload.workers->call(sent, items, latest);
  metrics_.time(Metrics::Stage::kLink, seconds_between(began, Clock::now()));
  if (!reply) return std::unexpected(reply.error());
  TRY(decoded, offload.transform->decode(std::move(reply->outputs)));
  TRY(results, verified(step, inputs, std::move(decoded), reply->worker));
  if (&step != &steps_.steps.back()) TRY_OK(check_not_empty(step, results));
  const std::vector<bool> found = which_non_finite(batch.jobs, results);
  batch.non_finite.resize(found.size());
  for (size_t i = 0; i < found.size(); ++i) batch.non_finite[i] = batch.non_finite[i] || found[i];
  if (std::ranges::find(batch.non_finite, true) != batch.non_finite.end()) metrics_.non_finite();
  put(batch.slots, step.outputs, std::move(results));
  return {};
}

// The trusted side computes nothing on tensors without elements that a worker makes up: operators
// divide by dimensions, and some engines crash.
Result<> Pipeline::check_not_empty(const Step& step, const std::vector<Tensor>& results) const {
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].data().empty()) continue;
    return fail(Kind::kInternal, "'{}' is {}, and a trusted segment follows",
                printable(model_.segments[step.segment].info.outputs[i].name),
                shape_text(results[i].shape()));
  }
  return {};
}

Result<std::vector<Tensor>> Pipeline::verified(const Step& step, const std::vector<Tensor>& inputs,
                                               std::vector<Tensor> outputs, size_t worker) {
  const Offload& offload = offloads_[step.segment];
  TRY(looked, offload.transform->verify(inputs, std::move(outputs)));
  if (looked.checked) metrics_.checked(looked.matches);
  if (!looked.matches) {
    log(LogLevel::kWarn, "result mismatch",
        {{"worker", worker}, {"segment", model_.segments[step.segment].info.name}});
    offload.workers->quarantine(worker);
    if (options_.verify_stops) stopped_ = true;
  }
  return std::move(looked.outputs);
}

void Pipeline::answer(InFlightBatch batch, const Result<>& outcome) {
  auto outputs = outcome ? pick(batch.slots, steps_.outputs)
                         : Result<std::vector<Tensor>>(std::unexpected(outcome.error()));
  batch.slots.clear();  // what the answers do not need is let go before they are sent
  serving::answer(std::move(batch.jobs), std::move(outputs), batch.non_finite, metrics_);
}

}  // namespace cloister::serving
