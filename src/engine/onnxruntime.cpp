#include "engine/onnxruntime.h"

#include <fmt/ranges.h>
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <functional>

#include "base/words.h"
#include "engine/ort_session.h"

namespace cloister {
namespace {

struct Provider {
  const char* name;      // ours
  const char* ort_name;  // ONNX Runtime's
  void (*append)(Ort::SessionOptions&);
};

constexpr Provider kProviders[] = {
    {"cpu", "CPUExecutionProvider", [](Ort::SessionOptions&) {}},
    {"cuda", "CUDAExecutionProvider",
     [](Ort::SessionOptions& options) {
       OrtCUDAProviderOptionsV2* cuda = nullptr;
       Ort::ThrowOnError(Ort::GetApi().CreateCUDAProviderOptions(&cuda));
       const std::unique_ptr<OrtCUDAProviderOptionsV2,
                             decltype(Ort::GetApi().ReleaseCUDAProviderOptions)>
           owner(cuda, Ort::GetApi().ReleaseCUDAProviderOptions);
       options.AppendExecutionProvider_CUDA_V2(*cuda);
     }},
    {"tensorrt", "TensorrtExecutionProvider",
     [](Ort::SessionOptions& options) {
       OrtTensorRTProviderOptionsV2* tensorrt = nullptr;
       Ort::ThrowOnError(Ort::GetApi().CreateTensorRTProviderOptions(&tensorrt));
       const std::unique_ptr<OrtTensorRTProviderOptionsV2,
                             decltype(Ort::GetApi().ReleaseTensorRTProviderOptions)>
           owner(tensorrt, Ort::GetApi().ReleaseTensorRTProviderOptions);
       options.AppendExecutionProvider_TensorRT_V2(*tensorrt);
     }},
};

bool points_into(const TensorView& tensor, const std::vector<TensorView>& others) {
  return std::ranges::any_of(others, [&](const TensorView& other) {
    const std::byte* begin = other.data.data();
    const std::byte* data = tensor.data.data();
    return !tensor.data.empty() && std::less_equal<>()(begin, data) &&
           std::less<>()(data, begin + other.data.size());
  });
}

// These are copied, too.
void add_files(const std::vector<Segment::File>& files, Ort::SessionOptions& options) {
  if (files.empty()) return;
  std::vector<std::string> names;
  std::vector<char*> contents;
  std::vector<size_t> sizes;
  for (const Segment::File& file : files) {
    names.push_back(file.name);
    // Only read, whatever its type says.
    contents.push_back(reinterpret_cast<char*>(const_cast<std::byte*>(file.bytes.data())));
    sizes.push_back(file.bytes.size());
  }
  options.AddExternalInitializersFromFilesInMemory(names, contents, sizes);
}

class OrtProgram final : public Program {
 public:
  explicit OrtProgram(Ort::Session session) : session_(std::move(session)) {}

  // Reads the specs of the session.
  Result<> prepare() {
    TRY(inputs, ort_inputs(session_));
    TRY(outputs, ort_outputs(session_));
    for (const OrtPort& input : inputs) {
      if (!input.dtype || !is_portable(*input.dtype)) {
        return fail(Kind::kUnsupported, "input '{}' is {}: only numeric tensors can be passed in",
                    printable(input.name), input.dtype ? dtype_name(*input.dtype) : "not a tensor");
      }
      inputs_.push_back({input.name, *input.dtype, input.dims});
    }
    for (const OrtPort& output : outputs) {
      if (!output.dtype || !is_portable(*output.dtype)) {
        return fail(Kind::kUnsupported, "output '{}' is {}: only numeric tensors can be passed out",
                    printable(output.name),
                    output.dtype ? dtype_name(*output.dtype) : "not a tensor");
      }
      outputs_.push_back({output.name, *output.dtype, output.dims});
    }
    for (const TensorSpec& spec : inputs_) input_names_.push_back(spec.name.c_str());
    for (const TensorSpec& spec : outputs_) output_names_.push_back(spec.name.c_str());
    return {};
  }

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) override {
    TRY_OK(check_inputs(inputs_, inputs));
    return catch_ort([&]() -> Result<std::vector<Tensor>> {
      std::vector<Ort::Value> values;
      for (const TensorView& input : inputs) values.push_back(ort_value(input));
      std::vector<Ort::Value> results =
          session_.Run(Ort::RunOptions{nullptr}, input_names_.data(), values.data(), values.size(),
                       output_names_.data(), output_names_.size());
      std::vector<Tensor> outputs;
      for (size_t i = 0; i < results.size(); ++i) {
        auto output = adopt_ort_value(std::move(results[i]));
        // An input that is an output comes back as it is, in the caller's memory.
        if (output && points_into(output->view(), inputs)) {
          output = Tensor::copy_of(output->dtype(), output->shape(), output->data());
        }
        if (!output) {
          return with_context(output.error(),
                              fmt::format("output '{}'", printable(outputs_[i].name)));
        }
        outputs.push_back(std::move(*output));
      }
      return outputs;
    });
  }

  Result<> run_into(const std::vector<TensorView>& inputs,
                    const std::vector<OutputPlace>& outputs) override {
    TRY_OK(check_inputs(inputs_, inputs));
    if (outputs.size() != outputs_.size()) {
      return invalid("places for {} outputs, want {}", outputs.size(), outputs_.size());
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      TRY(bytes, byte_count(outputs[i].dtype, outputs[i].shape));
      if (bytes != outputs[i].data.size() || !fits_output(i, outputs[i])) {
        return invalid("output '{}' is {}, and its place {} bytes for {}{}",
                       printable(outputs_[i].name), spec_text(outputs_[i]), outputs[i].data.size(),
                       dtype_name(outputs[i].dtype), shape_text(outputs[i].shape));
      }
    }
    return catch_ort([&]() -> Result<> {
      std::vector<Ort::Value> values;
      for (const TensorView& input : inputs) values.push_back(ort_value(input));
      std::vector<Ort::Value> places;
      for (const OutputPlace& output : outputs) {
        places.push_back(ort_value({output.dtype, output.shape, output.data}));
      }
      session_.Run(Ort::RunOptions{nullptr}, input_names_.data(), values.data(), values.size(),
                   output_names_.data(), places.data(), places.size());
      return {};
    });
  }

 private:
  // The runtime itself refuses other shapes, once it knows them.
  bool fits_output(size_t i, const OutputPlace& place) const {
    return fits(outputs_[i], place.dtype, place.shape, {.may_be_unranked = true});
  }

  Ort::Session session_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
  std::vector<const char*> input_names_;
  std::vector<const char*> output_names_;
};

class OrtEngine final : public Engine {
 public:
  OrtEngine(const OnnxRuntimeOptions& options, const Provider& provider)
      : options_(options), provider_(provider) {}

  Result<std::unique_ptr<Program>> load(const Segment& segment) override {
    return catch_ort([&]() -> Result<std::unique_ptr<Program>> {
      Ort::SessionOptions session_options = ort_session_options(options_.threads);
      if (!options_.optimize) {
        session_options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_DISABLE_ALL);
      }
      provider_.append(session_options);
      std::vector<std::string> names;
      std::vector<Ort::Value> values;
      for (const NamedTensor& weight : segment.weights) {
        names.push_back(weight.name);
        values.push_back(ort_value(weight.tensor.view()));
      }
      // These are copied into the session. AddInitializer would not copy, but then goes wrong
      // where the optimizer has rearranged a weight under its name.
      if (!names.empty()) session_options.AddExternalInitializers(names, values);
      add_files(segment.files, session_options);
      auto program = std::make_unique<OrtProgram>(
          Ort::Session(ort_environment(options_.threads), segment.model.data(),
                       segment.model.size(), session_options));
      TRY_OK(program->prepare());
      return program;
    });
  }

 private:
  OnnxRuntimeOptions options_;
  const Provider& provider_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_onnxruntime(const OnnxRuntimeOptions& options) {
  if (options.threads < 1 || options.threads > 1024) {
    return fail(Kind::kUsage, "{} threads, want 1 to 1024", options.threads);
  }
  const auto provider = std::ranges::find(kProviders, options.provider, &Provider::name);
  if (provider == std::end(kProviders)) {
    return fail(Kind::kUsage, "no execution provider '{}'; want {}", printable(options.provider),
                or_text(known_onnxruntime_providers()));
  }
  const std::vector<std::string> available = onnxruntime_providers();
  if (std::ranges::find(available, options.provider) == available.end()) {
    return fail(
        Kind::kUnsupported,
        "the installed ONNX Runtime {} has no '{}' provider, only: {} (set ONNXRUNTIME_ROOT "
        "to a build that has it)",
        onnxruntime_version(), options.provider, fmt::join(available, ", "));
  }
  // A provider that is built in may still lack its own library beside the runtime.
  const auto started = catch_ort([&]() -> Result<> {
    Ort::SessionOptions session_options = ort_session_options(options.threads);
    provider->append(session_options);
    return {};
  });
  if (!started) {
    return fail(Kind::kUnsupported,
                "the installed ONNX Runtime {} can't start provider '{}' ({}): set "
                "ONNXRUNTIME_ROOT to a GPU build",
                onnxruntime_version(), options.provider, started.error().message);
  }
  return std::make_unique<OrtEngine>(options, *provider);
}

std::string onnxruntime_version() {
  return OrtGetApiBase()->GetVersionString();
}

std::vector<std::string> known_onnxruntime_providers() {
  std::vector<std::string> names;
  for (const Provider& provider : kProviders) names.emplace_back(provider.name);
  return names;
}

std::vector<std::string> onnxruntime_providers() {
  const std::vector<std::string> built_in = Ort::GetAvailableProviders();
  std::vector<std::string> names;
  for (const Provider& provider : kProviders) {
    if (std::ranges::find(built_in, provider.ort_name) != built_in.end()) {
      names.emplace_back(provider.name);
    }
  }
  return names;
}

}  // namespace cloister
