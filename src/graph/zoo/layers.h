// Layers as PyTorch's ONNX exporter writes them, with random weights of a scale that keeps
// activations sane.
#pragma once

#include <numbers>
#include <string>
#include <string_view>

#include "graph/zoo/builder.h"

namespace cloister::zoo {

// A place in the network's tree of modules, and the names that the exporter derives from it:
// (root / "layer1" / 0 / "conv1") has nodes "/layer1/layer1.0/conv1/Conv" and weights
// "layer1.0.conv1.weight". Refers to a builder that outlives it.
class Module {
 public:
  explicit Module(ModelBuilder& builder) : builder_(&builder) {}

  Module operator/(std::string_view child) const;
  Module operator/(int child) const;

  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<Attr>& attrs = {}) const;
  std::vector<std::string> add(NodeSpec spec) const;  // spec.name is set here
  std::string weight(std::string_view name, const Shape& shape, Uniform range) const;
  std::string constant(onnx::TensorProto value) const;  // the output of a Constant node
  ModelBuilder& builder() const { return *builder_; }

 private:
  ModelBuilder* builder_;
  std::string weights_;  // "layer1.0."
  std::string label_;    // "layer1.0"
  std::string path_;     // "/layer1/layer1.0"
};

// A value on its way through the network, [N, channels, ...].
struct Features {
  std::string value;
  int64_t channels;
};

// Standard deviation of a layer's output over the root mean square of its input. What comes after
// an activation has lost a part of its power, and the next layer makes up for it.
inline constexpr float kLinearGain = 1.0f;
inline constexpr float kReluGain = std::numbers::sqrt2_v<float>;  // E[relu(z)^2] = 1/2
// By E[swish(z)^2] = 0.355 it would be 1.68; but swish takes less from a power above 1, so that a
// deep network runs away with that.
inline constexpr float kSwishGain = 1.6f;

// Symmetric, so that a weight of this range times `fan_in` independent inputs has the gain `gain`.
Uniform kaiming(int64_t fan_in, float gain);

// A square convolution with kernel/2 pixels of padding on each side.
struct ConvSpec {
  int64_t out;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool bias = false;
  float gain = kLinearGain;
};
Features conv2d(const Module& m, const Features& x, const ConvSpec& spec);

// Running statistics and the affine part are near the identity, but not equal to it.
Features batch_norm(const Module& m, const Features& x);

Features relu(const Module& m, const Features& x);
Features relu6(const Module& m, const Features& x);
Features swish(const Module& m, const Features& x);
Features add(const Module& m, const Features& a, const Features& b);
Features max_pool(const Module& m, const Features& x, int64_t kernel, int64_t stride, int64_t pad);

// [N, C, H, W] -> [N, C * H * W]; `pixels` is H * W.
Features flatten(const Module& m, const Features& x, int64_t pixels = 1);
Features global_average_pool(const Module& m, const Features& x);

// [N, in] -> [N, out]
Features linear(const Module& m, const Features& x, int64_t out, float gain = kLinearGain);

// What the ImageNet models of the zoo have in common: `input` f32 [N,3,224,224] and `logits` f32
// [N,1000].
Features image_input(ModelBuilder& builder);
onnx::ModelProto finish_classifier(ModelBuilder& builder, const Features& logits);

}  // namespace cloister::zoo
