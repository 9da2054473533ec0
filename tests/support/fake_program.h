// Programs for tests of what runs programs.
#pragma once

#include <functional>

#include "engine/engine.h"

namespace cloister::test {

class FakeProgram final : public Program {
 public:
  using Body = std::function<Result<std::vector<Tensor>>(const std::vector<TensorView>&)>;

  FakeProgram(std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs, Body body)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)), body_(std::move(body)) {}

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) override {
    return body_(inputs);
  }

 private:
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
  Body body_;
};

inline Tensor floats(Shape shape, const std::vector<float>& values) {
  return Tensor::copy_of(DType::kF32, std::move(shape), std::as_bytes(std::span(values))).value();
}

inline std::vector<float> floats_of(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  return {values.begin(), values.end()};
}

// [N,2] -> [N,2], each value through `f`.
inline std::unique_ptr<Program> elementwise(const std::string& from, const std::string& to,
                                            std::function<float(float)> f) {
  const auto spec = [](const std::string& name) { return TensorSpec{name, DType::kF32, {-1, 2}}; };
  return std::make_unique<FakeProgram>(
      std::vector{spec(from)}, std::vector{spec(to)},
      [f = std::move(f)](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
        std::vector<float> values;
        for (const float value : in[0].as<float>()) values.push_back(f(value));
        return std::vector{floats(in[0].shape, values)};
      });
}

}  // namespace cloister::test
