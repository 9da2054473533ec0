// A conditional GAN, the attack of the paper that Cloister follows (arXiv 2404.07437), in the form
// of pix2pix (Isola et al. 2017): the generator also minimises 1/100 of the adversarial loss, the
// discriminator sees inputs together with their feature maps.
#include <torch/utils.h>

#include "audit/attack/fit_by_epochs.h"
#include "audit/attack/input_kinds.h"

namespace cloister::audit {
namespace {

constexpr double kAdversarialShare = 0.01;
constexpr double kBeta1 = 0.5;
constexpr double kDiscriminatorRate = 0.2;  // of the generator's learning rate

at::Tensor says(const at::Tensor& logits, double real) {
  return at::binary_cross_entropy_with_logits(logits.to(at::kFloat),
                                              at::full_like(logits, real, at::kFloat));
}

void require_gradients(torch::nn::Module& network, bool on) {
  for (at::Tensor& weight : network.parameters()) weight.set_requires_grad(on);
}

class Cgan final : public Attacker {
 public:
  Result<Fit> fit(const Pairs& train, const Pairs& validation,
                  const AttackContext& context) override {
    torch::manual_seed(context.seed);
    const InputSpace& space = train.space();
    const InputOperations& operations = operations_of(space);
    const NetworkSize& size = context.effort.network;
    generator_ = operations.make_generator(space.item, train.shapes(), size);
    discriminator_ = operations.make_discriminator(space.item, train.shapes(), size);
    generator_->to(train.head().device());
    discriminator_->to(train.head().device());
    Trained generator(generator_, kBeta1), judge(discriminator_, kBeta1, kDiscriminatorRate);
    const Training training{
        .networks = {&generator, &judge},
        .step = [&](const at::Tensor& rows) -> Result<double> {
          TRY(half, train.normalised(rows));
          return step(space, for_training(half, train.head().device()), train.inputs(rows),
                      generator, judge);
        },
        .reconstruct = [&](const FeatureView& targets) { return generate(*generator_, targets); }};
    return fit_by_epochs(training, train, validation, context);
  }

  Result<at::Tensor> reconstruct(const FeatureView& targets, const AttackContext&) override {
    return generate(*generator_, targets);
  }

 private:
  double step(const InputSpace& space, const Maps& maps, const at::Tensor& real, Trained& generator,
              Trained& judge) const {
    const InputOperations& operations = operations_of(space);
    const at::Tensor rebuilt = operations.from_raw(space, generator_->forward(maps));
    const at::ScalarType type = maps[0].scalar_type();
    const at::Tensor real_typed = real.to(type), rebuilt_typed = rebuilt.to(type);

    // The discriminator, on real and rebuilt inputs in one batch: it has no batch statistics.
    Maps twice;
    for (const at::Tensor& map : maps) twice.push_back(at::cat({map, map}));
    const at::Tensor logits =
        discriminator_->forward(at::cat({real_typed, rebuilt_typed.detach()}), twice);
    const int64_t n = real.size(0);
    const at::Tensor judge_loss =
        (says(logits.slice(0, 0, n), 1) + says(logits.slice(0, n), 0)) / 2;
    judge.descend(judge_loss);

    // The generator, against it; the discriminator's own gradients are not wanted now.
    require_gradients(*discriminator_, false);
    const at::Tensor loss =
        operations.loss(space, rebuilt, real) +
        kAdversarialShare * says(discriminator_->forward(rebuilt_typed, maps), 1);
    generator.descend(loss);
    require_gradients(*discriminator_, true);
    return loss.item<double>();
  }

  std::shared_ptr<Generator> generator_;
  std::shared_ptr<Discriminator> discriminator_;
};

}  // namespace

std::unique_ptr<Attacker> make_cgan() {
  return std::make_unique<Cgan>();
}

}  // namespace cloister::audit
