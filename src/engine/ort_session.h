// What the ONNX Runtime engine and the type probe share. Included by their sources only.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <optional>
#include <type_traits>

#include "tensor/tensor.h"

namespace cloister {

// The environment of the process, made by the first call with a shared pool of `threads`.
Ort::Env& ort_environment(int threads);

// Options that use the shared pool when it has `threads`, their own otherwise.
Ort::SessionOptions ort_session_options(int threads);

// An input or output of a session as ONNX Runtime describes it; no dtype when it is not a tensor.
// Its interface (up to 1.21) says the same of a scalar and of a tensor of unknown rank: no
// dimensions.
struct OrtPort {
  std::string name;
  std::optional<DType> dtype;
  bool is_tensor = true;
  std::vector<int64_t> dims;         // -1: not fixed
  std::vector<std::string> symbols;  // by dimension: its name, or empty
};

Result<std::vector<OrtPort>> ort_inputs(const Ort::Session& session);
Result<std::vector<OrtPort>> ort_outputs(const Ort::Session& session);

// A value over the view's memory, not copied.
Ort::Value ort_value(const TensorView& view);

// A tensor over the value's memory, which it keeps.
Result<Tensor> adopt_ort_value(Ort::Value value);

Error ort_error(const Ort::Exception& exception);

// Runs `body`, which gives a Result, with ONNX Runtime's exceptions turned into errors.
template <typename Body>
std::invoke_result_t<Body> catch_ort(Body body) {
  try {
    return body();
  } catch (const Ort::Exception& exception) {
    return std::unexpected(ort_error(exception));
  } catch (const std::bad_alloc&) {
    return fail(Kind::kIo, "ONNX Runtime ran out of memory");
  }
}

}  // namespace cloister
