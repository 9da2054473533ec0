#include "engine/ort_session.h"

#include <algorithm>

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
    // Errors come back as exceptions; nothing is to be printed besides.
    return new Environment{Ort::Env(static_cast<const OrtThreadingOptions*>(pools),
                                    ORT_LOGGING_LEVEL_FATAL, "cloister"),
                           threads};
  }();
  return *kEnvironment;
}

OrtPort describe(std::string name, const Ort::TypeInfo& info) {
  OrtPort port{.name = std::move(name)};
  if (info.GetONNXType() != ONNX_TYPE_TENSOR) return port;
  const auto tensor = info.GetTensorTypeAndShapeInfo();
  port.dtype = dtype_from_onnx(static_cast<int32_t>(tensor.GetElementType()));
  port.dims = tensor.GetShape();
  std::vector<const char*> symbols(port.dims.size(), "");
  tensor.GetSymbolicDimensions(symbols.data(), symbols.size());
  port.symbols.assign(symbols.begin(), symbols.end());
  for (int64_t& extent : port.dims) extent = std::max<int64_t>(extent, -1);
  return port;
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
  options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
  options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_ENABLE_ALL);
  return options;
}

Result<std::vector<OrtPort>> ort_inputs(const Ort::Session& session) {
  Ort::AllocatorWithDefaultOptions allocator;
  std::vector<OrtPort> ports;
  for (size_t i = 0; i < session.GetInputCount(); ++i) {
    ports.push_back(
        describe(session.GetInputNameAllocated(i, allocator).get(), session.GetInputTypeInfo(i)));
  }
  return ports;
}

Result<std::vector<OrtPort>> ort_outputs(const Ort::Session& session) {
  Ort::AllocatorWithDefaultOptions allocator;
  std::vector<OrtPort> ports;
  for (size_t i = 0; i < session.GetOutputCount(); ++i) {
    ports.push_back(
        describe(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i)));
  }
  return ports;
}

Ort::Value ort_value(const TensorView& view) {
  static const auto kMemory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeCPU);
  // ONNX Runtime takes inputs as mutable memory and does not write to them. An empty tensor still
  // needs an address.
  static std::byte empty{};
  void* data = view.data.empty() ? &empty : const_cast<std::byte*>(view.data.data());
  return Ort::Value::CreateTensor(kMemory, data, view.data.size(), view.shape.data(),
                                  view.shape.size(),
                                  static_cast<ONNXTensorElementDataType>(view.dtype));
}

Result<Tensor> adopt_ort_value(Ort::Value value) {
  if (!value.IsTensor()) return fail(Kind::kUnsupported, "is not a tensor");
  const auto info = value.GetTensorTypeAndShapeInfo();
  const auto dtype = dtype_from_onnx(static_cast<int32_t>(info.GetElementType()));
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
  const bool lacks = exception.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED ||
                     text.find("not a registered function/op") != std::string_view::npos;
  return {lacks ? Kind::kUnsupported : Kind::kInvalid,
          "ONNX Runtime: " + printable(text.substr(0, text.find('\n')), 500)};
}

}  // namespace cloister
