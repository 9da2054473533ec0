// True architectures with random weights: for demonstrations, benchmarks and tests. docs/zoo.md
// describes them. To add one: a file like resnet50.cpp, a line in models.h, a line in zoo.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "graph/model.h"

namespace cloister {

// Dimensions that some architectures leave open; 0: what the entry has.
struct ZooSizes {
  int64_t features = 0;  // of a row
  int64_t classes = 0;
};

struct ZooEntry {
  std::string_view name;
  std::string_view description;  // one line
  std::string_view source;       // the paper
  uint64_t parameters;           // trainable ones: running statistics don't count
  uint64_t macs;                 // multiply-accumulates of Conv, Gemm and MatMul for one input
  ZooSizes sizes = {};           // both numbers above are for these; 0: not open
  onnx::ModelProto (*make)(uint64_t seed, const ZooSizes& sizes);
};

std::span<const ZooEntry* const> zoo_entries();

// kNotFound, with the names there are, for another name.
Result<const ZooEntry*> find_zoo_entry(std::string_view name);

// The model `name` with weights from `seed`: the same bytes on every platform. Up to 553 MB.
// kNotFound for another name; kUsage for a size that is not open or out of range.
Result<onnx::ModelProto> make_zoo_model(std::string_view name, uint64_t seed,
                                        const ZooSizes& sizes = {});

// The same as a model that the rest of Cloister takes.
Result<Model> zoo_model(std::string_view name, uint64_t seed, const ZooSizes& sizes = {});

}  // namespace cloister
