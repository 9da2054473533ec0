#include "engine/ort_session.h"

#include <algorithm>
#include <cstdlib>

namespace cloister {
namespace {

struct Environment {
  Ort::Env env;
  int threads;
};

Environment& environment(int threads) {
  // Never destroyed: sessions and library threads may outlive static destructors.
  static auto* const kEnvironment = [threads] {
    Ort::ThreadingOptions pools;
    pools.SetGlobalIntraOpNumThreads(threads);
    pools.SetGlobalInterOpNumThreads(1);
    pools.SetGlobalSpinControl(0);
    // The official builds for Linux report models, files and machines to their maker unless they
    // are told not to before anything else (since 1.29): no uploader, no identifier, no file.
    ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    // Errors come back as exceptions; nothing is to be printed besides.
    return new Environment{Ort::Env(static_cast<const OrtThreadingOptions*>(pools),
                                    ORT_LOGGING_LEVEL_FATAL, "cloister"),
                           threads};
  }();
  return *kEnvironment;
}

// ONNX Runtime's number of an element type: ONNX's own but for the last three.
ONNXTensorElementDataType to_ort(DType dtype) {
  switch (dtype) {
    case DType::kF8E8M0:
      return static_cast<ONNXTensorElementDataType>(26);
    case DType::kU2:
      return static_cast<ONNXTensorElementDataType>(24);
    case DType::kI2:
      return static_cast<ONNXTensorElementDataType>(25);
    default:
      return static_cast<ONNXTensorElementDataType>(dtype);
  }
}

std::optional<DType> from_ort(ONNXTensorElementDataType type) {
  for (const DType dtype : {DType::kF8E8M0, DType::kU2, DType::kI2}) {
    if (to_ort(dtype) == type) return dtype;
  }
  return dtype_from_onnx(static_cast<int32_t>(type));
}

// Where "(" at `open` is closed, or npos.
size_t closing(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// Without the "/onnxruntime_src/file.cc:12 function(arguments) " before what an assertion says.
std::string without_source(std::string_view text) {
  constexpr auto kNone = std::string_view::npos;
  const size_t begin = text.find("/onnxruntime_src/");
  const size_t open = begin == kNone ? kNone : text.find('(', begin);
  size_t end = open == kNone ? kNone : closing(text, open);
  // Lambdas: "f(int)::<lambda(int)> ".
  while (end != kNone && text.substr(end + 1).starts_with("::")) {
    end = text.find('(', end + 1);
    end = end == kNone ? kNone : closing(text, end);
  }
  if (end == kNone) return std::string(text);
  std::string_view rest = text.substr(end + 1);
  for (const std::string_view noise : {">", " const", " "}) {
    if (rest.starts_with(noise)) rest.remove_prefix(noise.size());
  }
  if (rest.starts_with("[with ")) {
    rest.remove_prefix(std::min(rest.find(']'), rest.size() - 1) + 1);
    if (rest.starts_with(" ")) rest.remove_prefix(1);
  }
  return std::string(text.substr(0, begin)) + std::string(rest);
}

OrtPort describe(std::string name, const Ort::TypeInfo& info) {
  OrtPort spec{.name = std::move(name)};
  const ONNXType kind = info.GetONNXType();
  spec.is_tensor = kind == ONNX_TYPE_TENSOR || kind == ONNX_TYPE_UNKNOWN;
  if (kind != ONNX_TYPE_TENSOR) return spec;
  const auto tensor = info.GetTensorTypeAndShapeInfo();
  spec.dtype = from_ort(tensor.GetElementType());
  spec.dims = tensor.GetShape();
  std::vector<const char*> symbols(spec.dims.size(), "");
  tensor.GetSymbolicDimensions(symbols.data(), symbols.size());
  spec.symbols.assign(symbols.begin(), symbols.end());
  for (int64_t& dimension : spec.dims) dimension = std::max<int64_t>(dimension, -1);
  return spec;
}

}  // namespace

Ort::Env& ort_environment(int threads) {
  return environment(threads).env;
}

Ort::SessionOptions ort_session_options(int threads) {
  Ort::SessionOptions options;
  if (environment(threads).threads == threads) {
    options.DisablePerSessionThreads();
  } else {
    options.SetIntraOpNumThreads(threads);
    options.AddConfigEntry("session.intra_op.allow_spinning", "0");
  }
  // Segments come from others. Whatever names a file in them, sub-graphs too, finds none: ONNX
  // Runtime would look in the working directory. Nor is its own format read, only ONNX.
  options.AddConfigEntry("session.model_external_initializers_file_folder_path",
                         "/dev/null/no-files-beside-a-model");
  options.AddConfigEntry("session.load_model_format", "ONNX");
  options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
  options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_ENABLE_ALL);
  return options;
}

Result<std::vector<OrtPort>> ort_inputs(const Ort::Session& session) {
  Ort::AllocatorWithDefaultOptions allocator;
  std::vector<OrtPort> specs;
  for (size_t i = 0; i < session.GetInputCount(); ++i) {
    specs.push_back(
        describe(session.GetInputNameAllocated(i, allocator).get(), session.GetInputTypeInfo(i)));
  }
  return specs;
}

Result<std::vector<OrtPort>> ort_outputs(const Ort::Session& session) {
  Ort::AllocatorWithDefaultOptions allocator;
  std::vector<OrtPort> specs;
  for (size_t i = 0; i < session.GetOutputCount(); ++i) {
    specs.push_back(
        describe(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i)));
  }
  return specs;
}

Ort::Value ort_value(const TensorView& view) {
  static const auto kMemory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeCPU);
  // ONNX Runtime takes inputs as mutable memory and does not write to them. An empty tensor still
  // needs an address.
  static std::byte empty{};
  void* data = view.data.empty() ? &empty : const_cast<std::byte*>(view.data.data());
  return Ort::Value::CreateTensor(kMemory, data, view.data.size(), view.shape.data(),
                                  view.shape.size(), to_ort(view.dtype));
}

Result<Tensor> adopt_ort_value(Ort::Value value) {
  if (!value.IsTensor()) return fail(Kind::kUnsupported, "is not a tensor");
  const auto info = value.GetTensorTypeAndShapeInfo();
  const auto dtype = from_ort(info.GetElementType());
  if (!dtype || !is_portable(*dtype)) {
    return fail(Kind::kUnsupported, "is a tensor of {}",
                dtype ? dtype_name(*dtype) : "unknown type");
  }
  Shape shape = info.GetShape();
  TRY(size, byte_count(*dtype, shape));
  const auto* data = static_cast<const std::byte*>(value.GetTensorRawData());
  const auto owner = std::make_shared<Ort::Value>(std::move(value));
  return Tensor::adopt(*dtype, std::move(shape), Bytes(data, size), owner);
}

Error ort_error(const Ort::Exception& exception) {
  const std::string_view text = exception.what();
  // Most of what the runtime lacks has no code of its own.
  bool lacks = exception.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED;
  for (const char* phrase : {"not a registered function/op", "No Op registered for",
                             "under development", "not supported"}) {
    lacks = lacks || text.find(phrase) != std::string_view::npos;
  }
  return {lacks ? Kind::kUnsupported : Kind::kInvalid,
          "ONNX Runtime: " + printable(without_source(text.substr(0, text.find('\n'))), 500)};
}

}  // namespace cloister
