#include "graph/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "base/sha256.h"
#include "graph/onnx.h"
#include "graph/validate.h"
#include "graph/weights.h"

namespace cloister {
namespace {

Result<Model> assemble(onnx::ModelProto proto, ExternalFiles& files) {
  TRY_OK(validate(proto));
  TRY(weights, take_weights(proto, files));
  // External data of attributes was brought in; the skeleton must still fit a message.
  if (const uint64_t size = proto.ByteSizeLong(); size > kMaxInlineBytes) {
    return fail(Kind::kUnsupported, "{} bytes without the weights; an ONNX file holds at most {}",
                size, kMaxInlineBytes);
  }
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
    return invalid("{} bytes; an ONNX file holds at most 2 GB: move the weights to external data",
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

// Files that `proto` then refers to in place of the weights that the segment gives by name.
std::vector<Segment::File> name_files(const std::vector<NamedTensor>& weights,
                                      onnx::ModelProto& proto) {
  std::map<std::string, Tensor> by_name;
  for (const NamedTensor& weight : weights) by_name.emplace(weight.name, weight.tensor);
  std::vector<Segment::File> files;
  for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    const auto weight = by_name.find(tensor.name());
    if (weight == by_name.end()) continue;
    const auto owner = std::make_shared<const Tensor>(weight->second);
    mark_external(tensor, "/" + tensor.name(), 0, owner->data().size());
    files.push_back({"/" + tensor.name(), owner->data(), owner});
  }
  return files;
}

// Names of the graph's tensors that a node uses, or that are outputs.
std::unordered_set<std::string> used_by(const onnx::GraphProto& graph) {
  std::unordered_set<std::string> used;
  for (const auto& node : graph.node()) {
    for (std::string& name : used_names(node)) used.insert(std::move(name));
  }
  for (const auto& output : graph.output()) used.insert(output.name());
  return used;
}

// Removes the elements that `is_unwanted` picks; the others keep their order.
template <typename T, typename Predicate>
void remove_if(google::protobuf::RepeatedPtrField<T>& field, Predicate is_unwanted) {
  field.erase(std::remove_if(field.begin(), field.end(), is_unwanted), field.end());
}

Result<Model> parse_with(Bytes file, ExternalFiles files) {
  TRY(proto, parse_proto(file));
  TRY(model, assemble(std::move(proto), files));
  model.file_sha256 = to_hex(sha256(file));
  return std::move(model);
}

}  // namespace

Result<Model> parse_model(Bytes file, const fs::path& folder) {
  return parse_with(file, ExternalFiles(folder));
}

Result<Model> read_model(const fs::path& path, const DataLinks& links) {
  TRY(file, MappedFile::open(path));
  auto model = parse_with(file->bytes(), ExternalFiles::beside(path, links));
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
  const std::unordered_set<std::string> used = used_by(model.proto->graph());
  Segment segment;
  for (const auto& [name, tensor] : model.weights) {
    if (used.contains(name)) segment.weights.push_back({name, tensor});
  }
  if (segment.weights.size() == model.weights.size()) {
    model.proto->SerializeToString(&segment.model);
    return segment;
  }
  onnx::ModelProto proto = *model.proto;
  const auto is_left_out = [&](const auto& named) {
    return model.weights.contains(named.name()) && !used.contains(named.name());
  };
  remove_if(*proto.mutable_graph()->mutable_initializer(), is_left_out);
  // Before IR 4 initializers are inputs, too; without a default they would be required.
  remove_if(*proto.mutable_graph()->mutable_input(), is_left_out);
  proto.SerializeToString(&segment.model);
  return segment;
}

Result<Model> to_model(const Segment& segment) {
  TRY(proto, parse_proto(as_bytes(segment.model)));
  std::vector<Segment::File> held = name_files(segment.weights, proto);
  held.insert(held.end(), segment.files.begin(), segment.files.end());
  ExternalFiles files(std::move(held));
  return assemble(std::move(proto), files);
}

}  // namespace cloister
