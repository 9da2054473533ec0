#include "train/objective.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <numeric>

#include "engine/torch/convert.h"

namespace cloister {
namespace {

at::Device device_of(const SegmentModule& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? at::Device(at::kCPU) : parameters[0].device();
}

bool fits(const Shape& shape, const Shape& spec) {
  if (spec.empty()) return true;  // not even the rank is known
  if (shape.size() != spec.size()) return false;
  // The batch is whatever it is: operators that can't take it will say so.
  for (size_t i = 1; i < shape.size(); ++i) {
    if (spec[i] >= 0 && spec[i] != shape[i]) return false;
  }
  return true;
}

std::string dimensions_text(const Shape& shape) {
  std::string text;
  for (size_t i = 0; i < shape.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ",",
                        i == 0 || shape[i] < 0 ? (i == 0 ? "N" : "?") : std::to_string(shape[i]));
  }
  return "[" + text + "]";
}

Result<at::Tensor> class_labels(const TensorView& labels) {
  TRY(y, borrow_torch(labels));
  if (y.dim() != 1 || y.is_floating_point()) {
    return invalid("labels are {}{}, want one integer class a sample", dtype_name(labels.dtype),
                   shape_text(labels.shape));
  }
  return y.to(at::kLong);
}

Result<Evaluation> evaluate_all(const SegmentModule& module, Samples& samples, Loss loss,
                                int64_t batch) {
  TRY_OK(check_samples(module, samples, loss, false));
  const c10::InferenceMode no_gradients;
  Evaluation out;
  int64_t right = 0;
  for (int64_t first = 0; first < samples.count(); first += batch) {
    std::vector<int64_t> picked(static_cast<size_t>(std::min(batch, samples.count() - first)));
    std::iota(picked.begin(), picked.end(), first);
    TRY(loaded, load_batch(module, samples, loss, picked, std::nullopt));
    TRY(outputs, module.forward(std::vector<at::Tensor>{loaded.inputs}));
    TRY(scored, score({.loss = loss}, outputs.at(0), loaded.labels));
    out.loss += scored.loss.item().toDouble() * static_cast<double>(picked.size());
    if (loss == Loss::kMse) continue;
    out.classes.resize(std::max(out.classes.size(), static_cast<size_t>(outputs[0].size(1))));
    const at::Tensor labels = loaded.labels.cpu(), correct = scored.correct.cpu();
    for (int64_t i = 0; i < labels.size(0); ++i) {
      ClassCount& of = out.classes[static_cast<size_t>(labels.data_ptr<int64_t>()[i])];
      ++of.samples;
      of.correct += correct.data_ptr<bool>()[i] ? 1 : 0;
      right += correct.data_ptr<bool>()[i] ? 1 : 0;
    }
  }
  out.loss /= static_cast<double>(samples.count());
  out.accuracy = static_cast<double>(right) / static_cast<double>(samples.count());
  return out;
}

}  // namespace

Result<> check_samples(const SegmentModule& module, const Samples& samples, Loss loss,
                       bool for_training) {
  if (module.inputs().size() != 1) {
    return fail(Kind::kUnsupported, "the model has {} inputs, want 1", module.inputs().size());
  }
  if (samples.count() == 0) return invalid("no samples");
  if (loss == Loss::kMse) return {};
  TRY(labels, class_labels(samples.labels()));
  const auto lowest = labels.min().item<int64_t>();
  const auto highest = labels.max().item<int64_t>();
  const TensorSpec& output = module.outputs().at(0);
  const bool known = output.dims.size() == 2 && output.dims[1] >= 0;
  if (lowest < 0 || (known && highest >= output.dims[1])) {
    return invalid("labels from {} to {}, the model has {} classes (output '{}')", lowest, highest,
                   known ? std::to_string(output.dims[1]) : "?", printable(output.name));
  }
  if (for_training && lowest == highest) {
    return invalid("all {} samples are of class {}, want 2 classes or more", samples.count(),
                   lowest);
  }
  return {};
}

Result<Batch> load_batch(const SegmentModule& module, Samples& samples, Loss loss,
                         std::span<const int64_t> picked, std::optional<uint64_t> seed) {
  TRY(inputs, samples.inputs(picked, seed));
  const TensorSpec& spec = module.inputs()[0];
  if (inputs.dtype() != spec.dtype || !fits(inputs.shape(), spec.dims)) {
    return invalid("inputs are {}{}, the model's '{}' is {}{}", dtype_name(inputs.dtype()),
                   dimensions_text(inputs.shape()), printable(spec.name), dtype_name(spec.dtype),
                   dimensions_text(spec.dims));
  }
  TRY(labels, gather_rows(samples.labels(), picked));
  TRY(x, borrow_torch(inputs.view()));
  TRY(y, borrow_torch(labels.view()));
  const at::Device device = device_of(module);
  return Batch{inputs, x.to(device),
               y.to(device, loss == Loss::kMse ? at::kFloat : at::kLong, false, true)};
}

Result<Scored> score(const Objective& objective, const at::Tensor& output,
                     const at::Tensor& labels) {
  if (objective.loss == Loss::kMse) {
    if (output.sizes() != labels.sizes()) {
      return invalid("the output is {}, the labels are {}", shape_text(output.sizes().vec()),
                     shape_text(labels.sizes().vec()));
    }
    return Scored{at::mse_loss(output, labels), {}};
  }
  if (output.dim() != 2 || output.size(0) != labels.size(0)) {
    return invalid("the output is {}, want [{},classes]", shape_text(output.sizes().vec()),
                   labels.size(0));
  }
  const auto classes = output.size(1);
  const auto lowest = labels.min().item<int64_t>(), highest = labels.max().item<int64_t>();
  if (lowest < 0 || highest >= classes) {
    return invalid("labels from {} to {}, the model has {} classes", lowest, highest, classes);
  }
  const at::Tensor& weights = objective.class_weights;
  if (weights.defined() && weights.size(0) != classes) {
    return invalid("{} class weights, the model has {} classes", weights.size(0), classes);
  }
  return Scored{
      at::cross_entropy_loss(output, labels,
                             weights.defined() ? c10::optional<at::Tensor>(weights) : c10::nullopt,
                             at::Reduction::Mean, -100, objective.label_smoothing),
      output.argmax(1) == labels};
}

Result<Evaluation> evaluate(const SegmentModule& module, Samples& samples, Loss loss,
                            int64_t batch) {
  try {
    return evaluate_all(module, samples, loss, batch);
  } catch (const std::exception& error) {
    const std::string_view what = error.what();
    return invalid("LibTorch: {}", printable(what.substr(0, what.find('\n')), 400));
  }
}

}  // namespace cloister
