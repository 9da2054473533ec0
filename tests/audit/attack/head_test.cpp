#include "audit/attack/head.h"

#include <gmock/gmock.h>

#include "tests/audit/attack/small_attack.h"
#include "tests/support/result.h"

namespace cloister::audit {
namespace {

using namespace test;
using cloister::test::expect_error;
using cloister::test::value_of;

// y = x s, where s has one value for each item.
Model scaled() {
  return model_of(cloister::test::small_segment(
      {{"x", DType::kF32, {-1, 5}}, {"s", DType::kF32, {-1, 1}}}, node("Mul", {"x", "s"}, "y"),
      {{"y", DType::kF32, {-1, 5}}}, {}));
}

InputSpace holding(const std::vector<NamedTensor>& held) {
  InputSpace space = row_space();
  space.held = held;
  return space;
}

Tensor number(float value, Shape shape = {1, 1}) {
  Tensor tensor = value_of(Tensor::make(DType::kF32, std::move(shape)));
  tensor.mutable_as<float>()[0] = value;
  return tensor;
}

TEST(Head, HoldsInputsThatArePublic) {
  const auto head = value_of(Head::make(scaled(), {"y"}, holding({{"s", number(3)}}), at::kCPU));
  const auto once = value_of(Head::make(scaled(), {"y"}, holding({{"s", number(1)}}), at::kCPU));
  torch::manual_seed(1);
  const at::Tensor rows = at::rand({7, 5});
  EXPECT_TRUE(at::allclose(value_of(head->run(rows))[0], 3 * value_of(once->run(rows))[0]));
}

TEST(Head, AttacksOneInput) {
  expect_error(Head::make(scaled(), {"y"}, row_space(), at::kCPU), Kind::kUnsupported,
               "the head has 2 inputs that are not public, an audit attacks 1");
  expect_error(
      Head::make(scaled(), {"y"}, holding({{"s", number(1)}, {"x", number(1, {1, 5})}}), at::kCPU),
      Kind::kUnsupported, "has 0 inputs that are not public");
}

TEST(Head, HeldInputsMustFit) {
  expect_error(Head::make(scaled(), {"y"}, holding({{"s", number(1, {2, 1})}}), at::kCPU),
               Kind::kInvalid, "public input 's': got f32[2,1], want f32[1,1]");
}

}  // namespace
}  // namespace cloister::audit
