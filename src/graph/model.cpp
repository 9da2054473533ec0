#include "graph/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>

#include <limits>

#include "base/sha256.h"
#include "graph/onnx.h"
#include "graph/validate.h"
#include "graph/weights.h"

namespace cloister {
namespace {

Result<Model> assemble(onnx::ModelProto proto, ExternalFiles& files) {
  TRY_OK(validate(proto));
  TRY(weights, take_weights(proto, files));
  Model model;
  model.proto = std::make_shared<const onnx::ModelProto>(std::move(proto));
  model.weights = std::move(weights);
  return model;
}

Result<onnx::ModelProto> parse_proto(Bytes file) {
  // Protobuf would print to stderr what is reported as an error below.
  [[maybe_unused]] static const auto kSilenced = google::protobuf::SetLogHandler(nullptr);
  if (file.empty()) return invalid("the file is empty");
  if (file.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return invalid("{} bytes, at most 2 GB fit an ONNX file: move the weights to external data",
                   file.size());
  }
  const int size = static_cast<int>(file.size());
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(file.data()), size);
  in.SetTotalBytesLimit(size);
  onnx::ModelProto proto;
  if (!proto.ParsePartialFromCodedStream(&in) || !in.ConsumedEntireMessage()) {
    return invalid(
        "not an ONNX model: truncated, corrupted or something else (protobuf stopped "
        "at byte {} of {})",
        in.CurrentPosition(), size);
  }
  return proto;
}

}  // namespace

Result<Model> parse_model(Bytes file, const fs::path& folder) {
  TRY(proto, parse_proto(file));
  ExternalFiles files(folder);
  TRY(model, assemble(std::move(proto), files));
  model.file_sha256 = to_hex(sha256(file));
  return std::move(model);
}

Result<Model> read_model(const fs::path& path) {
  TRY(file, MappedFile::open(path));
  auto model = parse_model(file->bytes(), path.parent_path());
  if (!model) {
    return with_context(model.error(), fmt::format("model '{}'", printable(path.string(), 400)));
  }
  return model;
}

Result<Model> make_model(onnx::ModelProto proto) {
  ExternalFiles none("/nonexistent");
  return assemble(std::move(proto), none);
}

Segment to_segment(const Model& model) {
  Segment segment;
  model.proto->SerializeToString(&segment.model);
  segment.weights.reserve(model.weights.size());
  for (const auto& [name, tensor] : model.weights) segment.weights.push_back({name, tensor});
  return segment;
}

}  // namespace cloister
