// A detector for rows of a table that takes the features as a signal of one channel, in the order
// of the columns, as intrusion detection often does.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

constexpr int64_t kDense = 128;

// Kernel 3, the length stays.
Features conv1d(const Module& m, const Features& x, int64_t out) {
  const int64_t fan_in = 3 * x.channels;
  const Uniform bias = kaiming(3 * fan_in, 1.0f);
  return {m.node("Conv",
                 {x.value, m.weight("weight", {out, x.channels, 3}, kaiming(fan_in, kReluGain)),
                  m.weight("bias", {out}, bias)},
                 {{"dilations", {1}},
                  {"group", 1},
                  {"kernel_shape", {3}},
                  {"pads", {1, 1}},
                  {"strides", {1}}}),
          out};
}

// Halves the length, rounding down.
Features max_pool1d(const Module& m, const Features& x) {
  return {m.node("MaxPool", {x.value},
                 {{"ceil_mode", 0}, {"kernel_shape", {2}}, {"pads", {0, 0}}, {"strides", {2}}}),
          x.channels};
}

onnx::ModelProto make_cnn1d(uint64_t seed, const ZooSizes& sizes) {
  ModelBuilder builder("cnn1d", seed);
  const Module root(builder);
  const Module features = root / "features";
  const auto rows = builder.input("features", DType::kF32, {"N", sizes.features});
  const auto axes = root.constant(make_tensor<int64_t>({1}, {1}));
  Features x = {root.node("Unsqueeze", {rows, axes}), 1};
  int index = 0;
  for (const int64_t channels : {32, 64}) {
    for (int i = 0; i < 2; ++i) {
      x = relu(features / (index + 1), conv1d(features / index, x, channels));
      index += 2;
    }
    x = max_pool1d(features / index++, x);
  }
  x = flatten(root, x, sizes.features / 2 / 2);
  const Module classifier = root / "classifier";
  x = relu(classifier / 1, linear(classifier / 0, x, kDense, kReluGain));
  return finish_classifier(builder, linear(classifier / 2, x, sizes.classes));
}

}  // namespace

constinit const ZooEntry kCnn1d = {
    .name = "cnn1d",
    .description = "a detector for rows of a table: four 1-D convolutions, two linear layers",
    .source = "this project's own",
    .parameters = 154'282,
    .macs = 924'928,
    .sizes = {.features = 64, .classes = 10},
    .make = make_cnn1d,
};

}  // namespace cloister::zoo
