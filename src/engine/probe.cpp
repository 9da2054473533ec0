#include "engine/probe.h"

#include "engine/onnxruntime.h"
#include "engine/ort_session.h"

namespace cloister {
namespace {

Result<std::vector<ProbedType>> infer(const std::string& model) {
  return catch_ort([&]() -> Result<std::vector<ProbedType>> {
    Ort::SessionOptions options = ort_session_options(1);
    options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_DISABLE_ALL);
    const Ort::Session session(ort_environment(1), model.data(), model.size(), options);
    TRY(outputs, ort_outputs(session));
    std::vector<ProbedType> types;
    for (OrtPort& output : outputs) {
      types.push_back(
          {output.dtype, std::move(output.dims), std::move(output.symbols), !output.is_tensor});
    }
    return types;
  });
}

Result<std::vector<ProbedType>> run(const Segment& segment) {
  TRY(engine, make_onnxruntime({.optimize = false}));
  TRY(program, engine->load(segment));
  std::vector<Tensor> zeros;
  std::vector<TensorView> inputs;
  for (const TensorSpec& spec : program->inputs()) {
    Shape shape;
    for (const int64_t dimension : spec.dims) shape.push_back(dimension < 0 ? 1 : dimension);
    TRY(tensor, Tensor::make(spec.dtype, std::move(shape)));
    zeros.push_back(std::move(tensor));
    inputs.push_back(zeros.back().view());
  }
  TRY(outputs, program->run(inputs));
  std::vector<ProbedType> types;
  for (const Tensor& output : outputs) types.push_back({output.dtype(), output.shape(), {}});
  return types;
}

Result<std::vector<std::vector<Tensor>>> run_piece(
    const Segment& piece, const std::vector<std::map<std::string, Tensor>>& runs) {
  TRY(engine, make_onnxruntime({.optimize = false}));
  TRY(program, engine->load(piece));
  std::vector<std::vector<Tensor>> results;
  for (const auto& given : runs) {
    std::vector<TensorView> inputs;
    for (const TensorSpec& spec : program->inputs()) {
      const auto tensor = given.find(spec.name);
      if (tensor == given.end()) return invalid("input '{}' is not given", printable(spec.name));
      inputs.push_back(tensor->second.view());
    }
    TRY(outputs, program->run(inputs));
    results.push_back(std::move(outputs));
  }
  return results;
}

}  // namespace

TypeProbe onnxruntime_probe() {
  return {infer, run};
}

PieceRunner onnxruntime_piece_runner() {
  return run_piece;
}

}  // namespace cloister
