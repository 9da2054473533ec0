// An ONNX model in memory: a small protobuf skeleton and, apart from it, the weights.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "graph/external_data.h"
#include "tensor/segment.h"

namespace onnx {
class ModelProto;
}

namespace cloister {

// Immutable once made; copies share everything. Thread-safe to read.
struct Model {
  // The model without its large initializers: those are marked external and hold no data. Unknown
  // fields, operators, domains and newer opsets are kept as they were read.
  std::shared_ptr<const onnx::ModelProto> proto;
  // Values of those initializers, by name. Data that was external in the file stays in the memory
  // map of that file.
  std::map<std::string, Tensor> weights;
  // SHA-256 of the model file's bytes (external data files not included), hexadecimal; empty for a
  // model that was not read from a file.
  std::string file_sha256;
};

// Initializers of at least this many bytes live in Model::weights; smaller ones, which may be
// shapes or axes that shape inference wants to see, stay in the skeleton.
inline constexpr uint64_t kWeightBytes = 1024;

// Reads and validates a model file (validate.h says what is checked). Fails with kNotFound or kIo
// for the file, kRefused for external data outside the model's folder (external_data.h says what
// links may lead to), kInvalid for anything wrong in the bytes.
Result<Model> read_model(const fs::path& path, const DataLinks& links = {});

// The same from bytes; external data is looked for in `folder`.
Result<Model> parse_model(Bytes file, const fs::path& folder);

// Takes the large initializers of a protobuf that was built in this process out into weights, and
// validates the whole. External data in `proto` is kInvalid.
Result<Model> make_model(onnx::ModelProto proto);

// Protobuf refuses messages of 2 GB; room is left for what wraps the weights.
inline constexpr uint64_t kMaxInlineBytes = (1ULL << 31) - (64ULL << 20);

// Writes the model: one file while skeleton and weights have at most `max_inline_bytes`, otherwise
// with the weights in `<path>.data`. Weights are streamed, never gathered in memory. Gives the
// files that it wrote, the model first.
Result<std::vector<fs::path>> write_model(const Model& model, const fs::path& path,
                                          uint64_t max_inline_bytes = kMaxInlineBytes);

// A model in two files: itself, and its weights.
struct ExternalModel {
  struct Placed {
    uint64_t offset = 0;
    Tensor tensor;
  };

  std::string model;            // serialized; it calls the other file by its name
  std::vector<Placed> weights;  // in order; zeros in between
  uint64_t data_bytes = 0;
};

// The other file's name is all that is put into the model of it. kInvalid over 2 GB without
// weights.
Result<ExternalModel> with_external_weights(const Model& model, const std::string& file_name);

// Hands over the bytes of the other file, in order, from where they are.
Result<> write_weights(const ExternalModel& model, const std::function<Result<>(Bytes)>& write);

// The model as an engine takes it: without large initializers that nothing uses, which ONNX Runtime
// drops before it is given their values, and then refuses.
Segment to_segment(const Model& model);

// The model of a segment, checked like one that was read: for engines that do not read ONNX
// themselves. Weights stay where the segment has them, by name or in a file in memory. kInvalid for
// anything wrong in the bytes, kNotFound for weights that the segment does not have.
Result<Model> to_model(const Segment& segment);

}  // namespace cloister
