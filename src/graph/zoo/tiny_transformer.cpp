// A text classifier of this project's own: the operators of a transformer encoder, in a model that
// runs in a millisecond. Tokens are bytes.
#include <cmath>
#include <numbers>
#include <numeric>

#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

constexpr int64_t kVocabulary = 256;
constexpr int64_t kLength = 64;
constexpr int64_t kWidth = 128;
constexpr int64_t kHeads = 4;
constexpr int64_t kHidden = 4 * kWidth;
constexpr int64_t kClasses = 8;
constexpr int kLayers = 2;

std::string scalar(const Module& m, float value) {
  return m.constant(make_tensor<float>({}, {value}));
}

// [N, L, channels] -> [N, L, out]; the weight is stored [in, out], as MatMul wants it.
Features dense(const Module& m, const Features& x, int64_t out) {
  const auto product =
      m.node("MatMul", {x.value, m.weight("weight", {x.channels, out}, kaiming(x.channels, 1.0f))});
  const auto bias = m.weight("bias", {out}, {.radius = 0.0625f});
  return {m.node("Add", {product, bias}), out};
}

Features layer_norm(const Module& m, const Features& x) {
  return {m.node("LayerNormalization",
                 {x.value, m.weight("weight", {x.channels}, {.centre = 1.0f, .radius = 0.125f}),
                  m.weight("bias", {x.channels}, {.radius = 0.125f})},
                 {{"axis", -1}, {"epsilon", 1e-5}}),
          x.channels};
}

// x / 2 * (1 + erf(x / sqrt(2)))
Features gelu(const Module& m, const Features& x) {
  const auto ratio = m.node("Div", {x.value, scalar(m, std::numbers::sqrt2_v<float>)});
  const auto gate = m.node("Add", {m.node("Erf", {ratio}), scalar(m, 1.0f)});
  return {m.node("Mul", {m.node("Mul", {x.value, gate}), scalar(m, 0.5f)}), x.channels};
}

Features attention(const Module& m, const Features& x) {
  constexpr int64_t kHeadWidth = kWidth / kHeads;
  const auto qkv = m.add({.op = "Split",
                          .inputs = {dense(m / "qkv", x, 3 * kWidth).value},
                          .attrs = {{"axis", -1}},
                          .output_count = 3});
  // [N, L, kWidth] -> [N, L, kHeads, kHeadWidth], then with the axes in the order of `perm`. 0 and
  // -1 keep the batch symbolic.
  const auto heads = [&](const std::string& value, std::initializer_list<int64_t> perm) {
    const auto shape = m.constant(make_tensor<int64_t>({4}, {0, -1, kHeads, kHeadWidth}));
    return m.node("Transpose", {m.node("Reshape", {value, shape})}, {{"perm", perm}});
  };
  const auto query = heads(qkv[0], {0, 2, 1, 3});
  const auto key = heads(qkv[1], {0, 2, 3, 1});
  const auto value = heads(qkv[2], {0, 2, 1, 3});
  const auto scale = scalar(m, std::sqrt(static_cast<float>(kHeadWidth)));
  const auto scores = m.node("Div", {m.node("MatMul", {query, key}), scale});
  const auto weights = m.node("Softmax", {scores}, {{"axis", -1}});
  const auto mixed =
      m.node("Transpose", {m.node("MatMul", {weights, value})}, {{"perm", {0, 2, 1, 3}}});
  const auto shape = m.constant(make_tensor<int64_t>({3}, {0, -1, kWidth}));
  return dense(m / "out", {m.node("Reshape", {mixed, shape}), kWidth}, kWidth);
}

Features encoder_layer(const Module& m, Features x) {
  x = add(m, x, attention(m / "attention", layer_norm(m / "norm1", x)));
  const Module mlp = m / "mlp";
  const Features hidden = gelu(mlp / 1, dense(mlp / 0, layer_norm(m / "norm2", x), kHidden));
  return add(m, x, dense(mlp / 2, hidden, kWidth));
}

Features embed(const Module& root, const std::string& tokens) {
  const Uniform unit = kaiming(1, 1.0f);
  const Module token = root / "token_embedding", position = root / "position_embedding";
  std::vector<int64_t> positions(kLength);
  std::iota(positions.begin(), positions.end(), 0);
  const auto ids = root.builder().initializer(
      "position_ids", make_tensor<int64_t>({1, kLength}, std::span<const int64_t>(positions)));
  const Features words = {
      token.node("Gather", {token.weight("weight", {kVocabulary, kWidth}, unit), tokens}), kWidth};
  const Features places = {
      position.node("Gather", {position.weight("weight", {kLength, kWidth}, unit), ids}), kWidth};
  return add(root, words, places);
}

onnx::ModelProto make_tiny_transformer(uint64_t seed, const ZooSizes& /*sizes*/) {
  ModelBuilder builder("tiny_transformer", seed);
  const Module root(builder);
  Features x = embed(root, builder.input("tokens", DType::kI64, {"N", kLength}));
  for (int i = 0; i < kLayers; ++i) x = encoder_layer(root / "layers" / i, x);
  x = layer_norm(root / "norm", x);
  x = {root.node("ReduceMean", {x.value}, {{"axes", {1}}, {"keepdims", 0}}), kWidth};
  return finish_classifier(builder, linear(root / "classifier", x, kClasses));
}

}  // namespace

constinit const ZooEntry kTinyTransformer = {
    .name = "tiny_transformer",
    .description = "a two-layer transformer encoder that sorts 64 bytes into 8 classes",
    .source = "this project's own; pre-LN after Xiong et al. 2020, arXiv 2002.04745",
    .parameters = 438'792,
    .macs = 27'264'000,
    .make = make_tiny_transformer,
};

}  // namespace cloister::zoo
