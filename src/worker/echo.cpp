#include "worker/echo.h"

#include "link/echo.h"

namespace cloister::serving {
namespace {

class Echo final : public Program {
 public:
  const std::vector<TensorSpec>& inputs() const override { return specs_.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return specs_.outputs; }

  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) override {
    TRY_OK(check_inputs(specs_.inputs, inputs));
    const auto values = inputs[0].as<float>();
    const float first = values.empty() ? 0 : values[0];
    TRY(tensor, Tensor::copy_of(DType::kF32, {1}, std::as_bytes(std::span(&first, 1))));
    return std::vector<Tensor>{std::move(tensor)};
  }

 private:
  const TensorSpecs specs_ = echo_specs();
};

}  // namespace

std::unique_ptr<Program> echo_program() {
  return std::make_unique<Echo>();
}

}  // namespace cloister::serving
