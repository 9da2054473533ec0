// torchvision's efficientnet_b0. Left out, because at inference they do nothing: Dropout and
// stochastic depth.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

// torchvision's Conv2dNormActivation with swish.
Features conv_bn_swish(const Module& m, const Features& x, const ConvSpec& spec) {
  return swish(m / 2, batch_norm(m / 1, conv2d(m / 0, x, spec)));
}

Features squeeze_excite(const Module& m, const Features& x, int64_t squeezed) {
  Features s = global_average_pool(m / "avgpool", x);
  s = swish(m / "activation", conv2d(m / "fc1", s, {.out = squeezed, .bias = true}));
  s = conv2d(m / "fc2", s, {.out = x.channels, .bias = true, .gain = kSwishGain});
  const auto scale = (m / "scale_activation").node("Sigmoid", {s.value});
  return {m.node("Mul", {scale, x.value}), x.channels};
}

struct Stage {
  int64_t expand, kernel, stride, out;
  int blocks;
};

Features mbconv(const Module& m, const Features& x, const Stage& stage, int64_t stride) {
  const Module block = m / "block";
  const int64_t expanded = x.channels * stage.expand;
  int index = 0;
  Features y = x;
  if (stage.expand != 1) y = conv_bn_swish(block / index++, y, {.out = expanded});
  y = conv_bn_swish(block / index++, y,
                    {.out = expanded,
                     .kernel = stage.kernel,
                     .stride = stride,
                     .groups = expanded,
                     .gain = kSwishGain});
  y = squeeze_excite(block / index++, y, x.channels / 4);
  // A fresh gate is near 1/2: twice the gain makes up for it. A branch that is added to a shortcut
  // gets half of that, so that the sums don't grow.
  const bool shortcut = stride == 1 && x.channels == stage.out;
  const Module project = block / index;
  y = conv2d(project / 0, y, {.out = stage.out, .gain = (shortcut ? 1.0f : 2.0f) * kSwishGain});
  y = batch_norm(project / 1, y);
  return shortcut ? add(m, y, x) : y;
}

onnx::ModelProto make_efficientnet_b0(uint64_t seed, const ZooSizes& /*sizes*/) {
  constexpr Stage kStages[] = {{1, 3, 1, 16, 1}, {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2},
                               {6, 3, 2, 80, 3}, {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4},
                               {6, 3, 1, 320, 1}};
  ModelBuilder builder("efficientnet_b0", seed);
  const Module root(builder);
  const Module features = root / "features";
  int index = 0;
  Features x = image_input(builder);
  x = conv_bn_swish(features / index++, x, {.out = 32, .kernel = 3, .stride = 2});
  for (const Stage& stage : kStages) {
    const Module layer = features / index++;
    for (int i = 0; i < stage.blocks; ++i) {
      x = mbconv(layer / i, x, stage, i == 0 ? stage.stride : 1);
    }
  }
  x = conv_bn_swish(features / index, x, {.out = 1280});
  x = flatten(root, global_average_pool(root / "avgpool", x));
  return finish_classifier(builder, linear(root / "classifier" / 1, x, 1000, kSwishGain));
}

}  // namespace

constinit const ZooEntry kEfficientnetB0 = {
    .name = "efficientnet_b0",
    .description = "EfficientNet-B0: depthwise convolutions, swish, squeeze-and-excitation",
    .source = "Tan, Le 2019, arXiv 1905.11946",
    .parameters = 5'288'548,
    .macs = 385'814'752,
    .make = make_efficientnet_b0,
};

}  // namespace cloister::zoo
