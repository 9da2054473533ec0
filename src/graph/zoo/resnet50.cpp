// torchvision's resnet50, which is "v1.5": a bottleneck's stride is on its 3x3 convolution.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

// A convolution's gain looks at what comes before it. A branch that is added to its own input is
// scaled down, so that the sums don't grow.
Features bottleneck(const Module& m, const Features& x, int64_t width, int64_t stride) {
  const Module act = m / "relu";
  const int64_t out = 4 * width;
  const bool identity = x.channels == out;
  Features y = conv2d(m / "conv1", x, {.out = width});
  y = relu(act, batch_norm(m / "bn1", y));
  y = conv2d(m / "conv2", y, {.out = width, .kernel = 3, .stride = stride, .gain = kReluGain});
  y = relu(act, batch_norm(m / "bn2", y));
  y = batch_norm(m / "bn3", conv2d(m / "conv3", y,
                                   {.out = out, .gain = (identity ? 0.5f : 1.0f) * kReluGain}));
  Features shortcut = x;
  if (!identity) {
    const Module down = m / "downsample";
    shortcut = batch_norm(down / 1, conv2d(down / 0, x, {.out = out, .stride = stride}));
  }
  return relu(act, add(m, y, shortcut));
}

onnx::ModelProto make_resnet50(uint64_t seed, const ZooSizes& /*sizes*/) {
  ModelBuilder builder("resnet50", seed);
  const Module root(builder);
  Features x = image_input(builder);
  x = conv2d(root / "conv1", x, {.out = 64, .kernel = 7, .stride = 2});
  x = relu(root / "relu", batch_norm(root / "bn1", x));
  x = max_pool(root / "maxpool", x, 3, 2, 1);

  struct Stage {
    int blocks;
    int64_t width, stride;
  };
  constexpr Stage kStages[] = {{3, 64, 1}, {4, 128, 2}, {6, 256, 2}, {3, 512, 2}};
  int number = 0;
  for (const Stage& stage : kStages) {
    const Module layer = root / fmt::format("layer{}", ++number);
    for (int i = 0; i < stage.blocks; ++i) {
      x = bottleneck(layer / i, x, stage.width, i == 0 ? stage.stride : 1);
    }
  }
  x = flatten(root, global_average_pool(root / "avgpool", x));
  return finish_classifier(builder, linear(root / "fc", x, 1000));
}

}  // namespace

constinit const ZooEntry kResnet50 = {
    .name = "resnet50",
    .description = "ResNet-50 v1.5: bottleneck blocks with skip connections",
    .source = "He, Zhang, Ren, Sun 2015, arXiv 1512.03385",
    .parameters = 25'557'032,
    .macs = 4'089'184'256,
    .make = make_resnet50,
};

}  // namespace cloister::zoo
