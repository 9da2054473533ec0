// A link to nothing: answers the echo model's calls at once.
#pragma once

#include "link/echo.h"
#include "link/link.h"

namespace cloister::test {

class EchoLink final : public Link {
 public:
  const TensorSpecs& specs() const override { return specs_; }
  Result<std::vector<Tensor>> call(const std::vector<Tensor>& inputs, int64_t /*items*/,
                                   Seconds /*limit*/) override {
    bytes_.push_back(inputs.at(0).data().size());
    TRY(answer, Tensor::make(DType::kF32, {1}));
    return std::vector<Tensor>{std::move(answer)};
  }
  Result<> probe(Seconds /*limit*/) override { return {}; }

  const std::vector<size_t>& bytes() const { return bytes_; }  // of each call

 private:
  const TensorSpecs specs_ = echo_specs();
  std::vector<size_t> bytes_;
};

}  // namespace cloister::test
