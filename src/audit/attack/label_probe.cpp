#include "audit/attack/label_probe.h"

#include <torch/optim/adam.h>
#include <torch/utils.h>

#include "audit/attack/flat_maps.h"
#include "audit/attack/layers.h"
#include "train/loop.h"

namespace cloister::audit {
namespace {

constexpr int64_t kEpochs = 15, kBatch = 64;
constexpr double kLearningRate = 1e-3;

}  // namespace

Result<LabelProbe> probe_labels(const Pairs& train, const Pairs& held_out, uint64_t seed,
                                const ProgressCallback& tick) {
  if (!train.has_labels()) return invalid("a label probe needs labels");
  TRY(x, flat_maps(train));
  TRY(test_x, flat_maps(held_out));
  const at::Tensor y = train.labels(), test_y = held_out.labels();
  const int64_t classes = std::max(y.max().item<int64_t>(), test_y.max().item<int64_t>()) + 1;

  torch::manual_seed(seed);
  Dense linear(x.size(1), classes, 0.1);
  torch::optim::Adam optimiser(linear.parameters(),
                               torch::optim::AdamOptions(kLearningRate).weight_decay(1e-4));
  const double scale = 1 / std::sqrt(static_cast<double>(x.size(1)) / 512);
  const LoopHooks hooks{
      .step = [&](const LoopBatch& batch) -> Result<StepScore> {
        const at::Tensor logits = linear.forward(x.index_select(0, batch.rows) * scale);
        const at::Tensor loss = at::cross_entropy_loss(logits, y.index_select(0, batch.rows));
        optimiser.zero_grad();
        loss.backward();
        optimiser.step();
        return StepScore{.loss = loss.item<double>()};
      },
      .epoch =
          [&](const LoopEpoch& done) {
            return tick(static_cast<double>(done.epoch) / kEpochs, "label probe");
          }};
  const Learner learners[] = {{linear.parameters(), &optimiser}};
  TRY_OK(run_loop(learners,
                  {.rows = x.size(0),
                   .epochs = kEpochs,
                   .batch = kBatch,
                   .last_batch = LastBatch::kShort,
                   .schedule = Schedule::kConstant,
                   .learning_rate = kLearningRate,
                   .chance = Chance::kCallers},
                  hooks));

  const at::NoGradGuard no_gradients;
  const at::Tensor said = linear.forward(test_x * scale).argmax(1);
  const auto n = static_cast<double>(test_y.size(0));
  LabelProbe probe;
  probe.n = static_cast<uint64_t>(test_y.size(0));
  probe.accuracy = static_cast<double>((said == test_y).sum().item<int64_t>()) / n;
  const at::Tensor counts = at::bincount(test_y, {}, classes);
  probe.chance = static_cast<double>(counts.max().item<int64_t>()) / n;
  return probe;
}

}  // namespace cloister::audit
