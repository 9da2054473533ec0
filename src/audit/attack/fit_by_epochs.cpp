#include "audit/attack/fit_by_epochs.h"

#include <algorithm>
#include <limits>

#include "audit/attack/input_kinds.h"
#include "audit/attack/precision.h"
#include "base/number_text.h"
#include "train/loop.h"

namespace cloister::audit {

Trained::Trained(std::shared_ptr<torch::nn::Module> net, double beta1, double share)
    : network(std::move(net)),
      optimiser(std::make_unique<torch::optim::Adam>(
          network->parameters(), torch::optim::AdamOptions(1e-3).betas({beta1, 0.999}))),
      rate_share(share) {}

void Trained::descend(const at::Tensor& loss) const {
  // Gone rather than zeroed: the first gradient is then stored, not added.
  for (at::Tensor& weight : network->parameters()) weight.mutable_grad() = at::Tensor();
  loss.backward();
  optimiser->step();
}

Maps for_training(const Maps& maps, at::Device device) {
  Maps result;
  for (const at::Tensor& map : maps) result.push_back(map.to(training_type(device)));
  return result;
}

Result<at::Tensor> generate(const Generator& generator, const FeatureView& targets) {
  const at::NoGradGuard no_gradients;
  const InputOperations& operations = operations_of(targets.space());
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < targets.size(); first += 64) {
    TRY(maps, targets.normalised(first, first + 64));
    const Maps typed = for_training(maps, targets.head().device());
    const at::Tensor rebuilt = operations.from_raw(targets.space(), generator.forward(typed));
    parts.push_back(rebuilt.cpu().contiguous());
  }
  return at::cat(parts);
}

void judge_curve(Fit& fit) {
  const size_t epochs = fit.curve.size();
  const size_t last = std::max<size_t>(2, epochs / 5);
  if (epochs < last + 1) {
    fit.converged = false;
    fit.convergence = fmt::format("{} epochs are too few to judge convergence", epochs);
    return;
  }
  const auto best = [&](size_t begin, size_t end) {
    double highest = fit.curve[begin].validation;
    for (size_t i = begin; i < end; ++i) highest = std::max(highest, fit.curve[i].validation);
    return highest;
  };
  const double before = best(0, epochs - last), after = best(epochs - last, epochs);
  fit.converged = after - before <= kConvergedGain;
  fit.convergence = fmt::format(
      "the last {} of {} epochs took the validation score from {} to {}; converged means "
      "by at most {}",
      last, epochs, number_text(before, 3), number_text(after, 3), kConvergedGain);
}

namespace {

Learner learner_of(const Trained& trained) {
  Learner learner{trained.network->parameters(), trained.optimiser.get(), trained.rate_share};
  for (const at::Tensor& buffer : trained.network->buffers()) learner.tensors.push_back(buffer);
  return learner;
}

LoopOptions loop_options(const AttackContext& context, int64_t rows) {
  return {.rows = rows,
          .epochs = context.effort.epochs,
          .batch = context.effort.batch,
          .last_batch = LastBatch::kDropped,
          .schedule = Schedule::kCosine,
          .learning_rate = context.effort.learning_rate,
          .seed = context.seed,
          .chance = Chance::kByEpoch,
          .checkpoint = context.checkpoint,
          .identity = context.identity,
          .replace_foreign = true};
}

double score_of(const LoopEpoch& epoch) {
  return epoch.validation_score.value_or(std::numeric_limits<double>::quiet_NaN());
}

std::string progress_text(const StepReport& step, int64_t epochs, std::span<const LoopEpoch> done) {
  const std::string score = done.empty() ? "" : ", score " + number_text(score_of(done.back()), 3);
  return fmt::format("epoch {}/{}, loss {}{}", step.epoch, epochs, number_text(step.loss, 3),
                     score);
}

}  // namespace

Result<Fit> fit_by_epochs(const Training& training, const Pairs& train, const Pairs& validation,
                          const AttackContext& context) {
  std::vector<Learner> learners;
  for (const Trained* trained : training.networks) learners.push_back(learner_of(*trained));
  const LoopHooks hooks{
      .step = [&](const LoopBatch& batch) -> Result<StepScore> {
        TRY(loss, training.step(batch.rows));
        return StepScore{.loss = loss};
      },
      .validate = [&]() -> Result<Validation> {
        TRY(rebuilt, training.reconstruct(validation));
        TRY(score, context.score(rebuilt, validation));
        return Validation{{}, score};
      },
      .progress = [&](const StepReport& step, std::span<const LoopEpoch> done) -> Result<bool> {
        TRY_OK(context.tick(step.done_share, progress_text(step, context.effort.epochs, done)));
        return true;
      }};
  TRY(ran, run_loop(learners, loop_options(context, train.size()), hooks));
  Fit fit;
  for (const LoopEpoch& epoch : ran.epochs) {
    fit.curve.push_back({epoch.epoch, epoch.loss, score_of(epoch)});
  }
  if (ran.seconds > 0) fit.inputs_per_second = static_cast<double>(ran.rows) / ran.seconds;
  judge_curve(fit);
  return fit;
}

}  // namespace cloister::audit
