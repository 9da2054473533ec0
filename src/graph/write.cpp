// Writing a model: protobuf's wire format by hand around the weights, so that they go from where
// they are (a memory map, say) to the file without being gathered in memory.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/wire_format_lite.h>

#include "graph/external_data.h"
#include "graph/model.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::OstreamOutputStream;
using WireFormat = google::protobuf::internal::WireFormatLite;

// ONNX asks that external data starts at multiples of the page size, so that it can be mapped.
constexpr uint64_t kAlignment = 4096;

uint64_t field_size(uint64_t payload) {
  return 1 + CodedOutputStream::VarintSize64(payload) + payload;
}

void write_tag(CodedOutputStream& out, int field, uint64_t payload) {
  out.WriteTag(WireFormat::MakeTag(field, WireFormat::WIRETYPE_LENGTH_DELIMITED));
  out.WriteVarint64(payload);
}

// An initializer whose data is written from `weights`.
struct Inlined {
  onnx::TensorProto head;  // name, type, dimensions
  Bytes data;

  uint64_t size() const { return head.ByteSizeLong() + field_size(data.size()); }

  void write(CodedOutputStream& out) const {
    head.SerializeToCodedStream(&out);
    write_tag(out, onnx::TensorProto::kRawDataFieldNumber, data.size());
    const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
    // WriteRaw counts in int.
    for (size_t done = 0; done < data.size();) {
      const size_t step = std::min<size_t>(data.size() - done, 1 << 30);
      out.WriteRaw(bytes + done, static_cast<int>(step));
      done += step;
    }
  }
};

// Field 7 of the model, the graph, as: everything but the weights, then the weights.
Result<> write_inline(const Model& model, std::ostream& stream) {
  onnx::ModelProto shell = *model.proto;
  onnx::GraphProto graph;
  graph.Swap(shell.mutable_graph());
  shell.clear_graph();

  std::vector<Inlined> inlined;
  google::protobuf::RepeatedPtrField<onnx::TensorProto> small;
  for (auto& tensor : *graph.mutable_initializer()) {
    const auto weight = model.weights.find(tensor.name());
    if (weight == model.weights.end()) {
      *small.Add() = std::move(tensor);
      continue;
    }
    tensor.clear_external_data();
    tensor.clear_data_location();
    inlined.push_back({std::move(tensor), weight->second.data()});
  }
  graph.mutable_initializer()->Swap(&small);

  uint64_t graph_size = graph.ByteSizeLong();
  for (const Inlined& tensor : inlined) graph_size += field_size(tensor.size());

  OstreamOutputStream sink(&stream);
  CodedOutputStream out(&sink);
  shell.SerializeToCodedStream(&out);
  write_tag(out, onnx::ModelProto::kGraphFieldNumber, graph_size);
  graph.SerializeToCodedStream(&out);
  for (const Inlined& tensor : inlined) {
    write_tag(out, onnx::GraphProto::kInitializerFieldNumber, tensor.size());
    tensor.write(out);
  }
  out.Trim();
  if (out.HadError()) return fail(Kind::kIo, "the file could not be written: is the disk full?");
  return {};
}

Result<std::vector<fs::path>> write_external(const Model& model, const fs::path& path) {
  fs::path data_path = path;
  data_path += ".data";
  TRY(external, with_external_weights(model, data_path.filename().string()));
  TRY_OK(write_file(data_path, [&, &external = external](std::ostream& out) {
    return write_weights(external, [&](Bytes bytes) -> Result<> {
      out.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
      return {};
    });
  }));
  TRY_OK(write_file(path, external.model));
  return std::vector{path, data_path};
}

}  // namespace

Result<ExternalModel> with_external_weights(const Model& model, const std::string& file_name) {
  ExternalModel external;
  onnx::ModelProto proto = *model.proto;
  for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    const auto weight = model.weights.find(tensor.name());
    if (weight == model.weights.end()) continue;
    const uint64_t begin = (external.data_bytes + kAlignment - 1) / kAlignment * kAlignment;
    const uint64_t size = weight->second.data().size();
    mark_external(tensor, file_name, begin, size);
    external.weights.push_back({begin, weight->second});
    external.data_bytes = begin + size;
  }
  if (!proto.SerializeToString(&external.model)) {
    return invalid("the model has {} bytes without its weights, more than protobuf can write",
                   proto.ByteSizeLong());
  }
  return external;
}

Result<> write_weights(const ExternalModel& model, const std::function<Result<>(Bytes)>& write) {
  static constexpr std::byte kZeros[kAlignment] = {};
  uint64_t at = 0;
  for (const ExternalModel::Placed& weight : model.weights) {
    TRY_OK(write(Bytes(kZeros).first(weight.offset - at)));
    TRY_OK(write(weight.tensor.data()));
    at = weight.offset + weight.tensor.data().size();
  }
  return {};
}

Result<std::vector<fs::path>> write_model(const Model& model, const fs::path& path,
                                          uint64_t max_inline_bytes) {
  uint64_t total = model.proto->ByteSizeLong();
  for (const auto& [_, tensor] : model.weights) total += tensor.data().size();
  if (total > max_inline_bytes) return write_external(model, path);
  TRY_OK(write_file(path, [&](std::ostream& out) { return write_inline(model, out); }));
  return std::vector{path};
}

}  // namespace cloister
