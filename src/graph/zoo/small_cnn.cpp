// A classifier of small pictures that is made to be cut: two strided convolutions see the picture,
// a third passes only a few channels on, and the wide ones behind it do most of the work.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

constexpr int64_t kSide = 32;  // pixels
constexpr ConvSpec kConvolutions[] = {
    {.out = 32, .kernel = 3, .stride = 2, .gain = kReluGain},
    {.out = 32, .kernel = 3, .stride = 2, .gain = kReluGain},
    {.out = 3, .kernel = 3, .gain = kReluGain},
    {.out = 96, .kernel = 3, .gain = kReluGain},
    {.out = 96, .kernel = 3, .gain = kReluGain},
    {.out = 96, .kernel = 3, .gain = kReluGain},
};

onnx::ModelProto make_small_cnn(uint64_t seed, const ZooSizes& sizes) {
  ModelBuilder builder("small_cnn", seed);
  const Module root(builder);
  Features x = {builder.input("input", DType::kF32, {"N", 3, kSide, kSide}), 3};
  int index = 0;  // as in torch.nn.Sequential(Conv2d, BatchNorm2d, ReLU, ...)
  for (const ConvSpec& spec : kConvolutions) {
    const Module features = root / "features";
    x = batch_norm(features / (index + 1), conv2d(features / index, x, spec));
    x = relu(features / (index + 2), x);
    index += 3;
  }
  x = flatten(root, global_average_pool(root / "pool", x));
  const Module classifier = root / "classifier";
  x = relu(classifier / 1, linear(classifier / 0, x, 32, kReluGain));
  return finish_classifier(builder, linear(classifier / 2, x, sizes.classes));
}

}  // namespace

constinit const ZooEntry kSmallCnn = {
    .name = "small_cnn",
    .description = "a classifier of 32x32 pictures: six convolutions, narrow in the middle",
    .source = "this project's own",
    .parameters = 183'568,
    .macs = 11'652'416,
    .sizes = {.classes = 10},
    .make = make_small_cnn,
};

}  // namespace cloister::zoo
