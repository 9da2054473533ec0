// A detector for tables whose columns were made numbers: the features are standardised, so that
// their root mean square is near 1.
#include "graph/zoo/layers.h"
#include "graph/zoo/models.h"

namespace cloister::zoo {
namespace {

constexpr int64_t kHiddenLayers[] = {128, 64, 32};

onnx::ModelProto make_mlp(uint64_t seed, const ZooSizes& sizes) {
  ModelBuilder builder("mlp", seed);
  const Module layers = Module(builder) / "layers";
  Features x = {builder.input("features", DType::kF32, {"N", sizes.features}), sizes.features};
  int index = 0;  // as in torch.nn.Sequential(Linear, ReLU, Linear, ...)
  for (const int64_t width : kHiddenLayers) {
    x = linear(layers / index, x, width, kReluGain);
    x = relu(layers / (index + 1), x);
    index += 2;
  }
  return finish_classifier(builder, linear(layers / index, x, sizes.classes));
}

}  // namespace

constinit const ZooEntry kMlp = {
    .name = "mlp",
    .description = "a detector for rows of a table: four linear layers",
    .source = "this project's own",
    .parameters = 18'986,
    .macs = 18'752,
    .sizes = {.features = 64, .classes = 10},
    .make = make_mlp,
};

}  // namespace cloister::zoo
