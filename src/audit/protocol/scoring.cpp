#include "audit/protocol/scoring.h"

#include <algorithm>
#include <cmath>

#include "audit/metrics.h"
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

at::Tensor Scorer::originals(const at::Tensor& positions) const {
  const at::Tensor picked = data_.inputs.index_select(0, positions);
  return data_.space.is_table() ? picked : picked.to(at::kFloat).mul_(1.0 / 255);
}

Result<> Scorer::add_witness(std::shared_ptr<const EvaluationModel> witness) {
  TRY(classes, witness->classes(originals(data_.certification)));
  witnessed_ = classes;
  witness_ = std::move(witness);
  return {};
}

Result<std::vector<double>> Scorer::scores(const at::Tensor& rebuilt,
                                           const at::Tensor& positions) const {
  if (data_.space.is_table()) {
    SplitScores out;
    TRY_OK(score_rows(rebuilt, positions, out));
    return *out.scores(Metric::kRowMatch);
  }
  TRY(a, from_torch(rebuilt.clamp(0, 1)));
  TRY(b, from_torch(originals(positions)));
  return ssim(a.view(), b.view());
}

Result<double> Scorer::mean(const at::Tensor& rebuilt, const at::Tensor& positions) const {
  TRY(each, scores(rebuilt, positions));
  return mean_of(each);
}

Result<> Scorer::score_pictures(const at::Tensor& rebuilt, const at::Tensor& positions,
                                SplitScores& out) const {
  const at::Tensor clamped = rebuilt.clamp(0, 1);
  const at::Tensor real = originals(positions);
  TRY(a, from_torch(clamped));
  TRY(b, from_torch(real));
  const auto add = [&](Metric metric, std::vector<double> values) {
    round_scores(values);
    out.metrics.push_back({metric, std::move(values)});
  };
  TRY(structural, ssim(a.view(), b.view()));
  add(Metric::kSsim, structural);
  TRY(noise, psnr_db(a.view(), b.view()));
  for (double& value : noise) value = std::min(value, kMaxPsnrDb);
  add(Metric::kPsnrDb, noise);
  if (std::min(real.size(2), real.size(3)) > kMsSsimSide) {
    TRY(scales, ms_ssim(a.view(), b.view()));
    add(Metric::kMsSsim, scales);
  }
  // Certification comes first among the positions.
  if (witness_ && positions[-1].item<int64_t>() < witnessed_.size(0)) {
    TRY(said, witness_->classes(clamped));
    const at::Tensor truth = witnessed_.index_select(0, positions);
    const auto numbers = [](const at::Tensor& t) {
      return std::span<const int64_t>(t.data_ptr<int64_t>(), static_cast<size_t>(t.numel()));
    };
    TRY(agreement, label_agreement(numbers(said), numbers(truth)));
    out.label_agreement = agreement;
  }
  return {};
}

Result<> Scorer::score_rows(const at::Tensor& rebuilt, const at::Tensor& positions,
                            SplitScores& out) const {
  TRY(rows, from_torch(rebuilt));
  const auto n = static_cast<size_t>(positions.size(0));
  std::vector<uint32_t> hits(n), cells(n);
  for (size_t c = 0; c < data_.table->columns.size(); ++c) {
    const Column& column = data_.table->columns[c];
    std::vector<double> original;
    for (size_t i = 0; i < n; ++i) {
      const auto position = static_cast<size_t>(positions[static_cast<int64_t>(i)].item<int64_t>());
      original.push_back(column.value(data_.rows[position]));
    }
    TRY(back, data_.encoder->decode(rows.view(), c));
    TRY_OK(count_row_matches(data_.marginals[c], original, back, hits, cells));
    if (std::ranges::all_of(original, [](double value) { return std::isnan(value); })) continue;
    TRY(score, score_column(data_.marginals[c], original, back));
    out.columns.push_back({column.name, column.categorical, score.r2, score.within_tolerance,
                           score.exact, score.baseline_within_tolerance, score.baseline_exact});
  }
  std::vector<double> share;
  for (size_t i = 0; i < n; ++i) share.push_back(cells[i] ? double(hits[i]) / cells[i] : 0);
  round_scores(share);
  out.metrics.push_back({Metric::kRowMatch, std::move(share)});
  return {};
}

Result<SplitScores> Scorer::all(const at::Tensor& rebuilt, const at::Tensor& positions,
                                std::vector<size_t> inputs) const {
  SplitScores out;
  out.inputs = std::move(inputs);
  TRY_OK(data_.space.is_table() ? score_rows(rebuilt, positions, out)
                                : score_pictures(rebuilt, positions, out));
  if (positions.size(0) >= 2) {
    TRY(again, find_again(rebuilt, originals(positions)));
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
  TRY(head, Head::make(model, {output}, {{}, preprocess, {}}, device));
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
