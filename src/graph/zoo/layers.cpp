#include "graph/zoo/layers.h"

#include <cmath>

namespace cloister::zoo {

Module Module::operator/(std::string_view child) const {
  Module module(*this);
  module.weights_ = fmt::format("{}{}.", weights_, child);
  module.label_ = child;
  module.path_ = fmt::format("{}/{}", path_, child);
  return module;
}

Module Module::operator/(int child) const {
  // A numbered child is labelled with its parent's label too.
  Module module(*this);
  module.weights_ = fmt::format("{}{}.", weights_, child);
  module.label_ = fmt::format("{}.{}", label_, child);
  module.path_ = fmt::format("{}/{}", path_, module.label_);
  return module;
}

std::string Module::node(const std::string& op, const std::vector<std::string>& inputs,
                         const std::vector<Attr>& attrs) const {
  return add({.op = op, .inputs = inputs, .attrs = attrs}).front();
}

std::vector<std::string> Module::add(NodeSpec spec) const {
  spec.name = builder_->unique_name(path_ + "/" + spec.op);
  return builder_->add(spec);
}

std::string Module::weight(std::string_view name, const Shape& shape, Uniform range) const {
  return builder_->random(weights_ + std::string(name), shape, range);
}

std::string Module::constant(onnx::TensorProto value) const {
  return node("Constant", {}, {{"value", std::move(value)}});
}

Uniform kaiming(int64_t fan_in, float gain) {
  // A uniform distribution over [-r, r) has the variance r^2 / 3. sqrt and division round the same
  // way everywhere.
  return {.radius = gain * static_cast<float>(std::sqrt(3.0 / static_cast<double>(fan_in)))};
}

namespace {

// PyTorch's own range for biases.
Uniform bias_range(int64_t fan_in) {
  return {.radius = static_cast<float>(1.0 / std::sqrt(static_cast<double>(fan_in)))};
}

}  // namespace

Features conv2d(const Module& m, const Features& x, const ConvSpec& spec) {
  const int64_t k = spec.kernel, pad = k / 2;
  const int64_t in_per_group = x.channels / spec.groups;
  const int64_t fan_in = in_per_group * k * k;
  std::vector<std::string> inputs = {
      x.value, m.weight("weight", {spec.out, in_per_group, k, k}, kaiming(fan_in, spec.gain))};
  if (spec.bias) inputs.push_back(m.weight("bias", {spec.out}, bias_range(fan_in)));
  return {m.node("Conv", inputs,
                 {{"dilations", {1, 1}},
                  {"group", spec.groups},
                  {"kernel_shape", {k, k}},
                  {"pads", {pad, pad, pad, pad}},
                  {"strides", {spec.stride, spec.stride}}}),
          spec.out};
}

Features batch_norm(const Module& m, const Features& x) {
  const Shape per_channel = {x.channels};
  return {m.node("BatchNormalization",
                 {x.value, m.weight("weight", per_channel, {.centre = 1.0f, .radius = 0.125f}),
                  m.weight("bias", per_channel, {.radius = 0.125f}),
                  m.weight("running_mean", per_channel, {.radius = 0.125f}),
                  m.weight("running_var", per_channel, {.centre = 1.0f, .radius = 0.125f})},
                 {{"epsilon", 1e-5}, {"momentum", 0.9}, {"training_mode", 0}}),
          x.channels};
}

Features relu(const Module& m, const Features& x) {
  return {m.node("Relu", {x.value}), x.channels};
}

Features relu6(const Module& m, const Features& x) {
  const auto low = m.constant(make_tensor<float>({}, {0.0f}));
  const auto high = m.constant(make_tensor<float>({}, {6.0f}));
  return {m.node("Clip", {x.value, low, high}), x.channels};
}

Features swish(const Module& m, const Features& x) {
  return {m.node("Mul", {x.value, m.node("Sigmoid", {x.value})}), x.channels};
}

Features add(const Module& m, const Features& a, const Features& b) {
  return {m.node("Add", {a.value, b.value}), a.channels};
}

Features max_pool(const Module& m, const Features& x, int64_t kernel, int64_t stride, int64_t pad) {
  return {m.node("MaxPool", {x.value},
                 {{"ceil_mode", 0},
                  {"kernel_shape", {kernel, kernel}},
                  {"pads", {pad, pad, pad, pad}},
                  {"strides", {stride, stride}}}),
          x.channels};
}

Features flatten(const Module& m, const Features& x, int64_t pixels) {
  return {m.node("Flatten", {x.value}, {{"axis", 1}}), x.channels * pixels};
}

Features global_average_pool(const Module& m, const Features& x) {
  return {m.node("GlobalAveragePool", {x.value}), x.channels};
}

Features linear(const Module& m, const Features& x, int64_t out, float gain) {
  return {m.node("Gemm",
                 {x.value, m.weight("weight", {out, x.channels}, kaiming(x.channels, gain)),
                  m.weight("bias", {out}, bias_range(x.channels))},
                 {{"alpha", 1.0}, {"beta", 1.0}, {"transB", 1}}),
          out};
}

Features image_input(ModelBuilder& builder) {
  return {builder.input("input", DType::kF32, {"N", 3, 224, 224}), 3};
}

onnx::ModelProto finish_classifier(ModelBuilder& builder, const Features& logits) {
  builder.output(builder.rename(logits.value, "logits"), DType::kF32, {"N", logits.channels});
  return builder.finish();
}

}  // namespace cloister::zoo
