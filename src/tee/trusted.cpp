#include "tee/trusted.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/log.h"
#include "base/random.h"
#include "serving/parts.h"
#include "tee/finite.h"
#include "tensor/compare.h"

namespace cloister::serving {
namespace {

bool has_any(const std::vector<TensorSpec>& specs, const std::vector<TensorSpec>& of) {
  return std::ranges::any_of(
      of, [&](const TensorSpec& spec) { return find_spec(specs, spec.name) != nullptr; });
}

// A secret draw: the untrusted side must not know which batches are looked at.
bool draw(double rate) {
  const auto number = random_number();
  return !number || std::ldexp(static_cast<double>(*number), -64) < rate;
}

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

}  // namespace

// A batch between head and answer.
struct Trusted::InFlightBatch {
  std::vector<Job> jobs;
  int64_t items = 0;
  std::map<std::string, Tensor, std::less<>> tensors;  // made or given so far
  std::vector<bool> non_finite;                        // by job

  Result<std::vector<Tensor>> pick(const std::vector<TensorSpec>& specs) const {
    std::vector<Tensor> picked;
    for (const TensorSpec& spec : specs) {
      const auto found = tensors.find(spec.name);
      if (found == tensors.end()) {
        return fail(Kind::kInternal, "nobody made '{}'", printable(spec.name));
      }
      picked.push_back(found->second);
    }
    return picked;
  }

  void keep(const std::vector<TensorSpec>& specs, std::vector<Tensor> made) {
    for (size_t i = 0; i < specs.size(); ++i) {
      tensors.insert_or_assign(specs[i].name, std::move(made[i]));
    }
  }

  Result<> run(Program& program) {
    TRY(given, pick(program.inputs()));
    std::vector<TensorView> views;
    for (const Tensor& tensor : given) views.push_back(tensor.view());
    TRY(made, program.run(views));
    keep(program.outputs(), std::move(made));
    return {};
  }
};

Trusted::Trusted(TrustedSegments segments, const TrustedOptions& options, WorkerPool* remote,
                 Metrics& metrics)
    : segments_(std::move(segments)),
      options_(options),
      remote_(remote),
      metrics_(metrics),
      inputs_go_on_(has_any(segments_.inputs, segments_.outputs) ||
                    (segments_.tail && has_any(segments_.inputs, segments_.tail->inputs()))) {
  if (remote_ != nullptr) {
    links_ = std::make_unique<HandoffPool<InFlightBatch>>(
        options_.links, [this](InFlightBatch flight) { finish(std::move(flight)); });
  }
  batcher_ = std::make_unique<Batcher>(
      options_.batcher, metrics_, [this](std::vector<Job> jobs) { run_head(std::move(jobs)); });
}

Trusted::~Trusted() = default;

Result<std::unique_ptr<Trusted>> Trusted::start(TrustedSegments segments,
                                                const TrustedOptions& options, WorkerPool* remote,
                                                Metrics& metrics) {
  if (segments.body.has_value() != (remote != nullptr)) {
    return invalid("the plan {} a worker", segments.body ? "needs" : "has no use for");
  }
  std::unique_ptr<Trusted> trusted(new Trusted(std::move(segments), options, remote, metrics));
  TRY_OK(trusted->check());
  return trusted;
}

// Every segment gets what it takes from those before it, and the body from the head alone.
Result<> Trusted::check() const {
  std::vector<TensorSpec> known = segments_.inputs;
  const auto needs = [&](const char* who, const std::vector<TensorSpec>& specs) -> Result<> {
    for (const TensorSpec& spec : specs) {
      if (find_spec(known, spec.name) == nullptr) {
        return invalid("the {} needs '{}', which nothing before it makes", who,
                       printable(spec.name));
      }
    }
    return {};
  };
  const auto makes = [&](const std::vector<TensorSpec>& specs) {
    known.insert(known.end(), specs.begin(), specs.end());
  };
  TRY_OK(needs("head", segments_.head->inputs()));
  makes(segments_.head->outputs());
  if (segments_.body) {
    for (const TensorSpec& spec : segments_.body->inputs) {
      if (find_spec(segments_.inputs, spec.name) != nullptr) {
        return fail(Kind::kRefused, "the body takes '{}', an input of the model",
                    printable(spec.name));
      }
    }
    TRY_OK(needs("body", segments_.body->inputs));
    makes(segments_.body->outputs);
  }
  if (segments_.tail) {
    TRY_OK(needs("tail", segments_.tail->inputs()));
    makes(segments_.tail->outputs());
  }
  if (options_.verify_rate > 0 && segments_.body && !segments_.checker) {
    return invalid("results are to be checked, and the body is not loaded");
  }
  return needs("model's result", segments_.outputs);
}

Result<> Trusted::ready() const {
  if (stopped_) {
    return fail(Kind::kUnavailable, "stopped: a worker's result was not what the model gives");
  }
  if (remote_ != nullptr && !remote_->is_up()) return fail(Kind::kUnavailable, "no worker is up");
  return {};
}

void Trusted::submit(Job job) {
  if (const Result<> can = ready(); !can) return job.done(std::unexpected(can.error()));
  batcher_->push(std::move(job));
}

void Trusted::run_head(std::vector<Job> jobs) {
  InFlightBatch flight{.jobs = std::move(jobs)};
  for (const Job& job : flight.jobs) flight.items += job.items;
  const auto began = Clock::now();
  const Result<> ran = run_in_parts(flight);
  metrics_.time(Metrics::Stage::kHead, seconds_between(began, Clock::now()));
  if (!ran && flight.jobs.size() > 1) {
    // One of them can't be run: it must not spoil the others.
    for (Job& job : flight.jobs) {
      std::vector<Job> alone;
      alone.push_back(std::move(job));
      run_head(std::move(alone));
    }
    return;
  }
  if (!ran || !links_) return answer(std::move(flight), ran);
  links_->hand_over(std::move(flight));
}

// Of all parts the body gets the features together. Inputs that nobody needs any more are let go.
Result<> Trusted::run_in_parts(InFlightBatch& flight) {
  const int64_t most =
      segments_.body ? items_at_once(flight.jobs[0], segments_.body->inputs) : flight.items;
  TRY(parts, parts_of(flight.jobs, most));
  std::vector<std::vector<Tensor>> features;
  for (Part& part : parts) {
    InFlightBatch one;
    one.keep(segments_.inputs, std::move(part.inputs));
    TRY_OK(one.run(*segments_.head));
    TRY(made, one.pick(segments_.head->outputs()));
    features.push_back(std::move(made));
  }
  TRY(joined, join(parts, features));
  flight.keep(segments_.head->outputs(), std::move(joined));
  if (inputs_go_on_) {
    TRY(inputs, stack(flight.jobs));
    flight.keep(segments_.inputs, std::move(inputs));
  }
  for (Job& job : flight.jobs) job.inputs.clear();
  return {};
}

void Trusted::finish(InFlightBatch flight) {
  const Result<> done = [&]() -> Result<> {
    TRY_OK(run_body(flight));
    if (!segments_.tail) return {};
    const auto began = Clock::now();
    const Result<> ran = flight.run(*segments_.tail);
    metrics_.time(Metrics::Stage::kTail, seconds_between(began, Clock::now()));
    return ran;
  }();
  answer(std::move(flight), done);
}

Result<> Trusted::run_body(InFlightBatch& flight) {
  TRY(features, flight.pick(segments_.body->inputs));
  const auto latest = std::ranges::max_element(flight.jobs, {}, &Job::deadline)->deadline;
  const auto began = Clock::now();
  // Without batches a first dimension is like any other, and a free one says nothing of the
  // result's.
  const int64_t items = options_.batcher.max_batch > 1 ? flight.items : 0;
  auto reply = remote_->call(features, items, latest);
  metrics_.time(Metrics::Stage::kLink, seconds_between(began, Clock::now()));
  if (!reply) return std::unexpected(reply.error());
  flight.keep(segments_.body->outputs, std::move(reply->outputs));
  if (segments_.checker && draw(options_.verify_rate)) TRY_OK(verify(flight, reply->worker));
  TRY(results, flight.pick(segments_.body->outputs));
  flight.non_finite = which_non_finite(flight.jobs, results);
  if (std::ranges::find(flight.non_finite, true) != flight.non_finite.end()) metrics_.non_finite();
  return {};
}

// Computes the body inside. Where the worker's result differs, ours is the answer.
Result<> Trusted::verify(InFlightBatch& flight, size_t worker) {
  std::vector<Tensor> claimed;
  for (const TensorSpec& spec : segments_.body->outputs)
    claimed.push_back(flight.tensors.at(spec.name));
  TRY_OK(flight.run(*segments_.checker));
  bool matches = true;
  for (size_t i = 0; i < claimed.size(); ++i) {
    const Tensor& ours = flight.tensors.at(segments_.body->outputs[i].name);
    const auto difference = compare(claimed[i].view(), ours.view());
    matches = matches && difference &&
              (difference->identical || difference->relative() <= options_.verify_tolerance);
  }
  metrics_.checked(matches);
  if (matches) return {};
  log(LogLevel::kWarn, "result mismatch", {{"worker", worker}, {"items", flight.items}});
  remote_->quarantine(worker);
  if (options_.verify_stops) stopped_ = true;
  return {};
}

void Trusted::answer(InFlightBatch flight, const Result<>& outcome) {
  auto outputs = outcome ? flight.pick(segments_.outputs)
                         : Result<std::vector<Tensor>>(std::unexpected(outcome.error()));
  flight.tensors.clear();  // what the answers do not need is let go before they are sent
  serving::answer(std::move(flight.jobs), std::move(outputs), flight.non_finite, metrics_);
}

}  // namespace cloister::serving
