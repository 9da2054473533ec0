#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

// The loss of log-probabilities [N, C, d1, ...] under labels [N, d1, ...].
at::Tensor negative_log_likelihood(const Call& call, const at::Tensor& log_probabilities) {
  const at::Tensor labels = call.in(1).to(at::kLong);
  const std::string reduction = call.text("reduction", "mean");
  at::Tensor weights =
      call.has(2) ? call.in(2)
                        .index_select(0, labels.flatten().clamp(0, log_probabilities.size(1) - 1))
                        .reshape(labels.sizes())
                  : at::ones_like(labels, log_probabilities.options());
  at::Tensor picked = labels;
  if (call.has_attribute("ignore_index")) {
    const at::Tensor ignored = labels == call.integer("ignore_index", 0);
    weights = weights.masked_fill(ignored, 0);
    picked = labels.masked_fill(ignored, 0);
  }
  const at::Tensor loss = -log_probabilities.gather(1, picked.unsqueeze(1)).squeeze(1) * weights;
  if (reduction == "none") return loss;
  return reduction == "sum" ? loss.sum() : loss.sum() / weights.sum();
}

Values negative_log_likelihood_loss(const Call& call) {
  return {negative_log_likelihood(call, call.in(0))};
}

Values softmax_cross_entropy_loss(const Call& call) {
  const at::Tensor log_probabilities = at::log_softmax(call.in(0), 1);
  return {negative_log_likelihood(call, log_probabilities), log_probabilities};
}

}  // namespace

OperatorFamily loss_operators() {
  return {
      {"NegativeLogLikelihoodLoss", negative_log_likelihood_loss},
      {"SoftmaxCrossEntropyLoss", softmax_cross_entropy_loss},
  };
}

}  // namespace cloister::ops
