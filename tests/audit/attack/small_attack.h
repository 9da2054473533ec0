// Pictures, heads and pairs that attackers' tests share.
#pragma once

#include <torch/utils.h>

#include "audit/attack/pairs.h"
#include "audit/metrics.h"
#include "engine/torch/convert.h"
#include "tests/engine/small_models.h"
#include "tests/support/temp_dir.h"

namespace cloister::audit::test {

using cloister::test::node;

inline constexpr int64_t kSide = 16;

inline const ProgressCallback kSilent = [](double, const std::string&) { return Result<>(); };

// Smooth random pictures u8 [n,3,16,16], which networks can learn to rebuild.
inline at::Tensor pictures(int64_t n, uint64_t seed = 1) {
  torch::manual_seed(seed);
  const at::Tensor coarse = at::rand({n, 3, 4, 4});
  return at::upsample_bilinear2d(coarse, at::IntArrayRef({kSide, kSide}), false)
      .mul(255)
      .round()
      .to(at::kByte);
}

inline InputSpace picture_space() {
  return {InputKind::kPictures, {3, kSide, kSide}, *preprocess_preset("imagenet"), {}};
}

// A number that may be missing, and three categories.
inline InputSpace row_space() {
  return {InputKind::kRows,
          {5},
          {},
          {{.name = "n", .first = 0, .width = 2, .indicator = true},
           {.name = "c", .categorical = true, .first = 2, .width = 3}}};
}

inline Model model_of(const Segment& segment) {
  onnx::ModelProto proto;
  proto.ParseFromString(segment.model);
  Model model;
  model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  for (const NamedTensor& weight : segment.weights)
    model.weights.emplace(weight.name, weight.tensor);
  return model;
}

// A strided convolution and a pool of it: two tensors cross.
inline std::shared_ptr<const Head> picture_head() {
  const Model model = model_of(cloister::test::small_segment(
      {{"x", DType::kF32, {-1, 3, -1, -1}}},
      node("Conv", {"x", "w"}, "a",
           "attribute { name: 'strides' type: INTS ints: 2 ints: 2 } "
           "attribute { name: 'pads' type: INTS ints: 1 ints: 1 ints: 1 ints: 1 } ") +
          node("GlobalAveragePool", {"a"}, "b"),
      {{"a", DType::kF32, {-1, 12, -1, -1}}, {"b", DType::kF32, {-1, 12, 1, 1}}},
      {{"w", cloister::test::pattern({12, 3, 3, 3})}}));
  return *Head::make(model, {"a", "b"}, picture_space(), at::kCPU);
}

// y = x w, rows of four features.
inline std::shared_ptr<const Head> row_head(const std::vector<ColumnCode>& columns, Tensor weight) {
  const int64_t width = weight.shape()[0];
  const Model model = model_of(cloister::test::small_segment(
      {{"x", DType::kF32, {-1, width}}}, node("MatMul", {"x", "w"}, "y"),
      {{"y", DType::kF32, {-1, weight.shape()[1]}}}, {{"w", weight}}));
  return *Head::make(model, {"y"}, {InputKind::kRows, {width}, {}, columns}, at::kCPU);
}

struct Parts {
  Pairs train, validation, test;
};

inline std::shared_ptr<const FeatureStore> store_of(std::shared_ptr<const Head> head,
                                                    const at::Tensor& inputs,
                                                    const FeatureStoreOptions& options = {}) {
  const at::Tensor all = at::arange(inputs.size(0), at::kLong);
  return *FeatureStore::make(std::move(head), inputs, all, all, options, kSilent);
}

// The last 32 for tests, the 32 before for validation.
inline Parts parts_of(const std::shared_ptr<const FeatureStore>& store, int64_t n,
                      const at::Tensor& labels = {}) {
  const auto part = [&](int64_t first, int64_t last) {
    return Pairs(store, at::arange(first, last, at::kLong), labels);
  };
  return {part(0, n - 64), part(n - 64, n - 32), part(n - 32, n)};
}

inline double mean_ssim(const at::Tensor& rebuilt, const Pairs& pairs) {
  const auto a = from_torch(rebuilt.clamp(0, 1)), b = from_torch(pairs.inputs(0, rebuilt.size(0)));
  const auto scores = *ssim(a->view(), b->view());
  double sum = 0;
  for (const double score : scores) sum += score;
  return sum / static_cast<double>(scores.size());
}

}  // namespace cloister::audit::test
