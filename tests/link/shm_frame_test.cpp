#include "link/shm_frame.h"

#include <algorithm>

#include "tests/support/fake_program.h"
#include "tests/support/result.h"

namespace cloister {
namespace {

using test::expect_error;
using test::floats;
using test::value_of;
using testing::ElementsAre;

class Frames : public testing::Test {
 protected:
  // Writes a call of these tensors.
  void write(const std::vector<Tensor>& tensors, uint64_t sequence = 7) {
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) views.push_back(tensor.view());
    const auto places = value_of(write_frame(area_, sequence, views));
    for (size_t i = 0; i < views.size(); ++i) std::ranges::copy(views[i].data, places[i].begin());
  }
  template <typename T>
  void overwrite(size_t at, T value) {
    std::memcpy(area_.data() + at, &value, sizeof(value));
  }

  // Where a message of one tensor has what (docs/formats/shared-memory.md).
  static constexpr size_t kStatus = 8;
  static constexpr size_t kHeadBytes = 12;
  static constexpr size_t kType = 16;
  static constexpr size_t kRank = 20;
  static constexpr size_t kFirstDimension = 24;
  alignas(64) std::array<std::byte, 4096> bytes_{};
  MutableBytes area_ = bytes_;
};

TEST_F(Frames, GiveBackWhatWasWritten) {
  const Tensor none = value_of(Tensor::make(DType::kI64, {0, 3}));
  const Tensor scalar = value_of(Tensor::make(DType::kU8, {}));
  write({floats({2, 2}, {1, 2, 3, 4}), none, scalar, floats({1}, {5})});
  const Frame frame = value_of(read_frame(area_, 7));
  ASSERT_EQ(frame.tensors.size(), 4U);
  EXPECT_EQ(frame.tensors[0].shape, (Shape{2, 2}));
  EXPECT_THAT(frame.tensors[0].as<float>(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(frame.tensors[1].shape, (Shape{0, 3}));
  EXPECT_EQ(frame.tensors[2].dtype, DType::kU8);
  EXPECT_THAT(frame.tensors[3].as<float>(), ElementsAre(5));
  for (const TensorView& tensor : frame.tensors) {
    EXPECT_EQ((tensor.data.data() - area_.data()) % 64, 0);
  }
}

TEST_F(Frames, TakeTheBytesThatAreSaid) {
  const Tensor tensor = floats({3}, {1, 2, 3});
  const uint64_t bytes = value_of(frame_bytes({tensor.view()}));
  EXPECT_TRUE(write_frame(area_.first(bytes), 1, {tensor.view()}));
  expect_error(write_frame(area_.first(bytes - 1), 1, {tensor.view()}), Kind::kInvalid, "room for");
  const TensorView huge{DType::kF32, {INT64_MAX / 8}, {}};
  expect_error(frame_bytes({huge, huge, huge, huge}), Kind::kInvalid, "");
  expect_error(frame_bytes(std::vector<TensorView>(9000)), Kind::kInvalid, "too many");
}

TEST_F(Frames, CarryErrors) {
  write_error(area_, 3, FrameStatus::kInvalid, std::string(5000, 'x'));
  const Frame frame = value_of(read_frame(area_, 3));
  EXPECT_EQ(frame.status, FrameStatus::kInvalid);
  EXPECT_EQ(frame.text, std::string(1024, 'x'));
  write_error(area_.first(20), 4, FrameStatus::kFailed, "no room");
  EXPECT_EQ(value_of(read_frame(area_.first(20), 4)).text, "no r");
}

TEST_F(Frames, AreRefusedWhereTheyAreNotAsWritten) {
  const auto refused = [&](const std::string& part) {
    expect_error(read_frame(area_, 7), Kind::kInvalid, part);
    write({floats({2}, {1, 2})});
  };
  write({floats({2}, {1, 2})});
  EXPECT_TRUE(read_frame(area_, 7));
  expect_error(read_frame(area_, 8), Kind::kInvalid, "message 7, want 8");
  expect_error(read_frame(area_.first(15), 7), Kind::kInvalid, "15 bytes");
  expect_error(read_frame(area_.first(64 + 7), 7), Kind::kInvalid, "in room for 71");
  overwrite<uint32_t>(kStatus, 3);
  refused("status 3");
  overwrite<uint32_t>(kHeadBytes, UINT32_MAX);
  refused("head of 4294967295 bytes");
  overwrite<uint32_t>(kHeadBytes, 15);
  refused("bytes left");
  overwrite<int32_t>(kType, 8);  // strings
  refused("type 8");
  overwrite<int32_t>(kType, -1);
  refused("type -1");
  overwrite<uint32_t>(kRank, 33);
  refused("33 dimensions");
  overwrite<uint32_t>(kRank, 2);
  refused("bytes left");
  overwrite<int64_t>(kFirstDimension, -1);
  refused("negative");
  overwrite<int64_t>(kFirstDimension, INT64_MAX);
  refused("too large");
  overwrite<int64_t>(kFirstDimension, 1 << 20);
  refused("in room for 4096");
}

}  // namespace
}  // namespace cloister
