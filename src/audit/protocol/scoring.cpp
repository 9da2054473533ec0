#include "audit/protocol/scoring.h"

#include <algorithm>
#include <cmath>

#include "audit/attack/input_kinds.h"
#include "audit/metrics.h"
#include "audit/protocol/input_kinds.h"
#include "base/mean.h"
#include "engine/torch/convert.h"

namespace cloister::audit {
namespace {

void round_scores(std::vector<double>& scores) {
  for (double& score : scores) score = std::round(score * 1e5) / 1e5;
}

// Rank-1 hits by Euclidean distance, which one matrix product gives for all pairs.
Result<ReidentificationRecord> find_again(const at::Tensor& rebuilt, const at::Tensor& originals) {
  const at::Tensor a = rebuilt.flatten(1).to(at::kDouble), b = originals.flatten(1).to(at::kDouble);
  const at::Tensor distances =
      (b.square().sum(1) - 2 * a.matmul(b.t()) + a.square().sum(1, true)).contiguous();
  const auto* values = distances.data_ptr<double>();
  const auto n = static_cast<size_t>(b.size(0));
  TRY(found, reidentify(static_cast<size_t>(a.size(0)), n, {},
                        [&](size_t q, size_t g) { return values[q * n + g]; }));
  return ReidentificationRecord{found.rate, found.chance, n};
}

}  // namespace

Result<> Scorer::add_witness(std::shared_ptr<const EvaluationModel> witness) {
  TRY(classes, witness->classes(data_.originals(data_.certification)));
  witnessed_ = classes;
  witness_ = std::move(witness);
  return {};
}

Metric Scorer::metric() const {
  return protocol_of(data_.space.kind).metric;
}

at::Tensor Scorer::possible(const at::Tensor& rebuilt) const {
  at::Tensor copy = rebuilt.clone();
  operations_of(data_.space).clamp(copy);
  return copy;
}

Result<std::vector<double>> Scorer::scores(const at::Tensor& rebuilt,
                                           const at::Tensor& positions) const {
  return protocol_of(data_.space.kind).scores(data_, possible(rebuilt), positions);
}

Result<double> Scorer::mean(const at::Tensor& rebuilt, const at::Tensor& positions) const {
  TRY(each, scores(rebuilt, positions));
  return mean_of(each);
}

Result<std::optional<double>> Scorer::agreement(const at::Tensor& rebuilt,
                                                const at::Tensor& positions) const {
  // Certification comes first among the positions.
  if (!witness_ || positions[-1].item<int64_t>() >= witnessed_.size(0)) {
    return std::optional<double>();
  }
  TRY(said, witness_->classes(rebuilt));
  const at::Tensor truth = witnessed_.index_select(0, positions);
  const auto numbers = [](const at::Tensor& t) {
    return std::span<const int64_t>(t.data_ptr<int64_t>(), static_cast<size_t>(t.numel()));
  };
  return label_agreement(numbers(said), numbers(truth));
}

Result<SplitScores> Scorer::all(const at::Tensor& rebuilt, const at::Tensor& positions,
                                std::vector<size_t> inputs) const {
  const at::Tensor clamped = possible(rebuilt);
  SplitScores out;
  out.inputs = std::move(inputs);
  TRY_OK(protocol_of(data_.space.kind).score_all(data_, clamped, positions, out));
  for (MetricScores& scored : out.metrics) round_scores(scored.values);
  TRY(agreement, agreement(clamped, positions));
  out.label_agreement = agreement;
  if (positions.size(0) >= 2) {
    TRY(again, find_again(rebuilt, data_.originals(positions)));
    out.reidentification = again;
  }
  return out;
}

Result<std::shared_ptr<const EvaluationModel>> EvaluationModel::make(const Model& model,
                                                                     const Preprocess& preprocess,
                                                                     at::Device device) {
  TRY(module, SegmentModule::make(model));
  if (module->inputs().size() != 1 || module->inputs()[0].dims.size() != 4 ||
      module->outputs().empty()) {
    return fail(Kind::kUnsupported, "a second network has one picture as its input");
  }
  const std::vector<int64_t> dims = module->inputs()[0].dims;
  const std::string output = module->outputs()[0].name;
  const auto witness = std::make_shared<EvaluationModel>();
  TRY(head, Head::make(model, {output}, {InputKind::kPictures, {}, preprocess, {}}, device));
  const bool nchw = preprocess.layout == Layout::kNchw;
  witness->head_ = head;
  witness->height_ = std::max<int64_t>(0, dims[nchw ? 2 : 1]);
  witness->width_ = std::max<int64_t>(0, dims[nchw ? 3 : 2]);
  return witness;
}

Result<at::Tensor> EvaluationModel::classes(const at::Tensor& pictures) const {
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < pictures.size(0); first += 32) {
    at::Tensor some = pictures.slice(0, first, first + 32).to(head_->device());
    if (height_ > 0 && width_ > 0) {
      some = at::upsample_bilinear2d(some, at::IntArrayRef({height_, width_}), false);
    }
    TRY(outputs, head_->run(some));
    parts.push_back(outputs[0].flatten(1).argmax(1).cpu());
  }
  return at::cat(parts).contiguous();
}

}  // namespace cloister::audit
