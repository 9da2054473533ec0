// Training by epochs: order, learning rate, validation, checkpoint and resume, the same for every
// attacker that is a network.
#pragma once

#include <torch/optim/adam.h>

#include "audit/attack/attacker.h"

namespace cloister::audit {

// A network with its optimiser.
struct Trained {
  std::shared_ptr<torch::nn::Module> network;
  std::unique_ptr<torch::optim::Adam> optimiser;
  double rate_share = 1;  // of the learning rate that all follow

  Trained(std::shared_ptr<torch::nn::Module> net, double beta1, double share = 1);
  // One step against `loss`.
  void descend(const at::Tensor& loss) const;
};

struct Training {
  std::vector<Trained*> networks;  // what a checkpoint holds
  // One step on the pairs' rows i64 [n]; gives the loss.
  std::function<Result<double>(const at::Tensor& rows)> step;
  // Reconstructions of all the view's rows.
  std::function<Result<at::Tensor>(const FeatureView&)> reconstruct;
};

// A step is the same whatever came before the checkpoint it started from: order and chance come
// from the seed and the epoch. kInvalid for a loss that is not finite.
Result<Fit> fit_by_epochs(const Training& training, const Pairs& train, const Pairs& validation,
                          const AttackContext& context);

// A generator's answers for all rows of the view, f32 on the CPU.
Result<at::Tensor> generate(const Generator& generator, const FeatureView& targets);

// Maps as networks want them: in training_type().
Maps for_training(const Maps& maps, at::Device device);

// The first epochs' gain is what convergence is judged against: a curve has converged when its last
// fifth gained at most this much more than what came before.
inline constexpr double kConvergedGain = 0.01;
void judge_curve(Fit& fit);

}  // namespace cloister::audit
