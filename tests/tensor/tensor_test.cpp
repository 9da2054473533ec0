#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace cloister {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

TEST(Shape, Text) {
  EXPECT_EQ(shape_text({1, 3, 224, 224}), "[1,3,224,224]");
  EXPECT_EQ(shape_text({}), "[]");
}

TEST(Shape, ElementCount) {
  EXPECT_EQ(element_count({}), 1U);
  EXPECT_EQ(element_count({2, 3, 4}), 24U);
  EXPECT_EQ(element_count({2, 0, 4}), 0U);
  EXPECT_EQ(element_count({2, -1}).error().message, "shape [2,-1] has a negative dimension");
  EXPECT_FALSE(element_count({0, -1}));
  EXPECT_FALSE(element_count({kHuge, 3}));
  EXPECT_FALSE(element_count({0, kHuge, kHuge})) << "a zero must not hide an overflow";
}

TEST(Shape, ByteCount) {
  EXPECT_EQ(byte_count(DType::kF32, {2, 3}), 24U);
  EXPECT_EQ(byte_count(DType::kI4, {3}), 2U) << "packed, rounded up";
  EXPECT_EQ(byte_count(DType::kI2, {4}), 1U);
  EXPECT_EQ(byte_count(DType::kString, {1}).error().kind, Kind::kUnsupported);
  EXPECT_EQ(byte_count(DType::kF64, {kHuge / 8}).error().kind, Kind::kInvalid);
}

TEST(Tensor, MakeIsZeroAndAligned) {
  auto tensor = Tensor::make(DType::kF32, {2, 3});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->data().size(), 24U);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data().data()) % 64, 0U);
  EXPECT_TRUE(std::ranges::all_of(tensor->as<float>(), [](float x) { return x == 0; }));
  tensor->mutable_as<float>()[5] = 7;
  EXPECT_EQ(tensor->as<float>()[5], 7);
}

TEST(Tensor, MakeRefusesWhatCannotExist) {
  EXPECT_EQ(Tensor::make(DType::kF32, {kHuge, 2}).error().kind, Kind::kInvalid);
  EXPECT_EQ(Tensor::make(DType::kF32, {-1}).error().kind, Kind::kInvalid);
  EXPECT_EQ(Tensor::make(DType::kString, {1}).error().kind, Kind::kUnsupported);
}

TEST(Tensor, CopyOfChecksTheSize) {
  const auto tensor = Tensor::copy_of(DType::kU8, {2, 2}, as_bytes("abcd"));
  ASSERT_TRUE(tensor);
  EXPECT_EQ(as_text(tensor->data()), "abcd");
  EXPECT_EQ(Tensor::copy_of(DType::kU16, {2, 2}, as_bytes("abcd")).error().message,
            "u16 [2,2] has 4 bytes, want 8");
  EXPECT_TRUE(Tensor::copy_of(DType::kF32, {0, 5}, {}));
}

TEST(Tensor, AdoptKeepsTheOwnerAlive) {
  auto owner = std::make_shared<std::string>("abcdefgh");
  const std::weak_ptr<std::string> alive = owner;
  auto tensor = Tensor::adopt(DType::kI32, {2}, as_bytes(*owner), owner);
  ASSERT_TRUE(tensor);
  EXPECT_EQ(reinterpret_cast<const char*>(tensor->data().data()), owner->data()) << "no copy";
  owner.reset();
  Tensor copy = *tensor;
  tensor = Tensor();
  EXPECT_FALSE(alive.expired());
  EXPECT_EQ(as_text(copy.data()), "abcdefgh");
  copy = Tensor();
  EXPECT_TRUE(alive.expired());
  EXPECT_FALSE(Tensor::adopt(DType::kI32, {3}, as_bytes("abcdefgh"), nullptr));
}

TEST(Tensor, CopiesShareMemory) {
  auto tensor = *Tensor::make(DType::kU8, {1});
  const Tensor copy = tensor;
  tensor.mutable_as<uint8_t>()[0] = 9;
  EXPECT_EQ(copy.as<uint8_t>()[0], 9);
}

}  // namespace
}  // namespace cloister
