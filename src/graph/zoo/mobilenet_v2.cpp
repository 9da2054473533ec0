// torchvision's mobilenet_v2. Left out, because at inference it does nothing: Dropout.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

// torchvision's Conv2dNormActivation with relu6.
Features conv_bn_relu6(const Module& m, const Features& x, const ConvSpec& spec) {
  return relu6(m / 2, batch_norm(m / 1, conv2d(m / 0, x, spec)));
}

Features inverted_residual(const Module& m, const Features& x, int64_t expand, int64_t out,
                           int64_t stride) {
  const Module conv = m / "conv";
  const int64_t expanded = x.channels * expand;
  int index = 0;
  Features y = x;
  if (expand != 1) y = conv_bn_relu6(conv / index++, y, {.out = expanded});
  y = conv_bn_relu6(
      conv / index++, y,
      {.out = expanded, .kernel = 3, .stride = stride, .groups = expanded, .gain = kReluGain});
  // A branch that is added to a shortcut is scaled down, so that the sums don't grow.
  const bool shortcut = stride == 1 && x.channels == out;
  y = conv2d(conv / index++, y, {.out = out, .gain = (shortcut ? 0.5f : 1.0f) * kReluGain});
  y = batch_norm(conv / index, y);
  return shortcut ? add(m, x, y) : y;
}

onnx::ModelProto make_mobilenet_v2(uint64_t seed, const ZooSizes& /*sizes*/) {
  struct Stage {
    int64_t expand, out;
    int blocks;
    int64_t stride;
  };
  constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                               {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  ModelBuilder builder("mobilenet_v2", seed);
  const Module root(builder);
  const Module features = root / "features";
  int index = 0;
  Features x = image_input(builder);
  x = conv_bn_relu6(features / index++, x, {.out = 32, .kernel = 3, .stride = 2});
  for (const Stage& stage : kStages) {
    for (int i = 0; i < stage.blocks; ++i) {
      x = inverted_residual(features / index++, x, stage.expand, stage.out,
                            i == 0 ? stage.stride : 1);
    }
  }
  x = conv_bn_relu6(features / index, x, {.out = 1280});
  x = flatten(root, global_average_pool(root, x));
  return finish_classifier(builder, linear(root / "classifier" / 1, x, 1000, kReluGain));
}

}  // namespace

constinit const ZooEntry kMobilenetV2 = {
    .name = "mobilenet_v2",
    .description = "MobileNetV2: inverted residual blocks with depthwise convolutions",
    .source = "Sandler, Howard, Zhu, Zhmoginov, Chen 2018, arXiv 1801.04381",
    .parameters = 3'504'872,
    .macs = 300'774'272,
    .make = make_mobilenet_v2,
};

}  // namespace cloister::zoo
