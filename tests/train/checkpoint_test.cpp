// Checkpoints that are of something else, or damaged.
#include "train/checkpoint.h"

#include "tests/support/temp_dir.h"
#include "tests/train/toy.h"

namespace cloister {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Foreign : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.checkpoint = dir_ / "state.pt";
    ASSERT_TRUE(Toy().run(options_));
    content_ = *read_file(options_.checkpoint);
    Toy toy;
    LoopOptions plain = options_;
    plain.checkpoint.clear();
    whole_ = *toy.run(plain);
    want_ = toy.state();
  }

  void expect_refused(Kind kind, const std::string& message) {
    Toy toy;
    const at::Tensor before = toy.state().clone();
    options_.replace_foreign = false;
    const auto refused = toy.run(options_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kind);
    EXPECT_THAT(refused.error().message, HasSubstr(message));
    EXPECT_THAT(refused.error().message, HasSubstr("state.pt"));
    EXPECT_TRUE(at::equal(toy.state(), before));
    EXPECT_THAT(toy.batches, IsEmpty());
  }

  // As if there were no file; it is replaced.
  void expect_anew() {
    options_.replace_foreign = true;
    for (const size_t steps : {30U, 0U}) {
      Toy toy;
      const auto anew = toy.run(options_);
      ASSERT_TRUE(anew) << anew.error().message;
      EXPECT_EQ(toy.batches.size(), steps);
      expect_same(*anew, whole_);
      EXPECT_TRUE(at::equal(toy.state(), want_));
    }
  }

  void expect_damaged(const std::string& content) {
    ASSERT_TRUE(write_file(options_.checkpoint, content));
    expect_refused(Kind::kInvalid, "damaged");
    expect_anew();
  }

  const test::TempDir dir_;
  LoopOptions options_ = options(Chance::kByEpoch);
  std::string content_;
  LoopResult whole_;
  at::Tensor want_;
};

TEST_F(Foreign, AnotherIdentity) {
  options_.identity = "another";
  expect_refused(Kind::kRefused, "belongs to another model, other data or other options");
  expect_anew();
}

TEST_F(Foreign, IsNotLookedAtWithoutResume) {
  options_.identity = "another";
  options_.resume = false;
  Toy toy;
  ASSERT_TRUE(toy.run(options_));
  EXPECT_TRUE(at::equal(toy.state(), want_));
}

TEST_F(Foreign, Truncated) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{22}, size_t{53}, size_t{54}, size_t{55},
                            content_.size() / 2, content_.size() - 1}) {
    SCOPED_TRACE(size);
    expect_damaged(content_.substr(0, size));
  }
}

TEST_F(Foreign, AByteOfItChanged) {
  const size_t step = content_.size() / 16;
  for (size_t at = 3; at < content_.size(); at += step) {
    SCOPED_TRACE(at);
    std::string changed = content_;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    expect_damaged(changed);
  }
}

TEST_F(Foreign, NoCheckpointAtAll) {
  expect_damaged("not a checkpoint");
  expect_damaged(std::string(5000, '\0'));
  expect_damaged(content_ + "more");
}

}  // namespace
}  // namespace cloister
