// torchvision's vgg16. Left out, because at inference on 224x224 pictures they do nothing: Dropout,
// and the adaptive average pool from 7x7 to 7x7.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

constexpr int kPool = 0;
constexpr int kConfiguration[] = {64,    64,  kPool, 128, 128,   kPool, 256, 256, 256,
                                  kPool, 512, 512,   512, kPool, 512,   512, 512, kPool};

onnx::ModelProto make_vgg16(uint64_t seed, const ZooSizes& /*sizes*/) {
  ModelBuilder builder("vgg16", seed);
  const Module root(builder);
  Features x = image_input(builder);
  int index = 0;  // in torchvision's Sequential
  for (const int out : kConfiguration) {
    const Module features = root / "features";
    if (out == kPool) {
      x = max_pool(features / index++, x, 2, 2, 0);
      continue;
    }
    x = conv2d(features / index++, x, {.out = out, .kernel = 3, .bias = true, .gain = kReluGain});
    x = relu(features / index++, x);
  }
  x = flatten(root, x, 7 * 7);
  const Module classifier = root / "classifier";
  x = relu(classifier / 1, linear(classifier / 0, x, 4096, kReluGain));
  x = relu(classifier / 4, linear(classifier / 3, x, 4096, kReluGain));
  return finish_classifier(builder, linear(classifier / 6, x, 1000));
}

}  // namespace

constinit const ZooEntry kVgg16 = {
    .name = "vgg16",
    .description =
        "VGG-16 without batch normalization: 13 plain convolutions, 3 large linear layers",
    .source = "Simonyan, Zisserman 2014, arXiv 1409.1556",
    .parameters = 138'357'544,
    .macs = 15'470'264'320,
    .make = make_vgg16,
};

}  // namespace cloister::zoo
