// The inverse network of He et al. (ACSAC 2019): a generator trained by regression alone.
#include <torch/utils.h>

#include "audit/attack/fit_by_epochs.h"
#include "audit/attack/input_kinds.h"

namespace cloister::audit {
namespace {

class InverseNet final : public Attacker {
 public:
  Result<Fit> fit(const Pairs& train, const Pairs& validation,
                  const AttackContext& context) override {
    torch::manual_seed(context.seed);
    const InputSpace& space = train.space();
    const InputOperations& operations = operations_of(space);
    generator_ = operations.make_generator(space.item, train.shapes(), context.effort.network);
    generator_->to(train.head().device());
    Trained trained(generator_, 0.9);
    const Training training{
        .networks = {&trained},
        .step = [&](const at::Tensor& rows) -> Result<double> {
          TRY(maps, train.normalised(rows));
          const at::Tensor rebuilt = operations.from_raw(
              space, generator_->forward(for_training(maps, train.head().device())));
          const at::Tensor loss = operations.loss(space, rebuilt, train.inputs(rows));
          trained.descend(loss);
          return loss.item<double>();
        },
        .reconstruct = [&](const FeatureView& targets) { return generate(*generator_, targets); }};
    return fit_by_epochs(training, train, validation, context);
  }

  Result<at::Tensor> reconstruct(const FeatureView& targets, const AttackContext&) override {
    return generate(*generator_, targets);
  }

 private:
  std::shared_ptr<Generator> generator_;
};

}  // namespace

std::unique_ptr<Attacker> make_inverse_net() {
  return std::make_unique<InverseNet>();
}

}  // namespace cloister::audit
