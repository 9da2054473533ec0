#include "net/body_buffer.h"

#include <gtest/gtest.h>

using namespace cloister;
using namespace cloister::net;
using Grown = BodyBuffer::Grown;

TEST(BodyBuffer, GrowsUpToItsLimit) {
  BodyBuffer body(nullptr, 100'000);
  const std::string piece(999, 'a');
  std::string want;
  while (want.size() + piece.size() <= 100'000) {
    ASSERT_EQ(body.append(as_bytes(piece)), Grown::kOk);
    want += piece;
  }
  EXPECT_EQ(body.append(as_bytes(piece)), Grown::kTooLarge);
  const SharedBytes bytes = body.finish();
  EXPECT_TRUE(as_text(bytes.bytes) == want);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.bytes.data()) % 64, 0U);
  EXPECT_EQ(body.size(), 0U);
  EXPECT_TRUE(body.finish().bytes.empty());
}

TEST(BodyBuffer, ReservesExactly) {
  BodyBuffer body(nullptr, 1000);
  EXPECT_EQ(body.reserve(1001), Grown::kTooLarge);
  EXPECT_EQ(body.reserve(~0ULL), Grown::kTooLarge);
  EXPECT_EQ(body.reserve(1000), Grown::kOk);
  EXPECT_EQ(body.room().size(), 1000U);
  EXPECT_EQ(body.append(as_bytes("abc")), Grown::kOk);
  EXPECT_EQ(body.room().size(), 997U);
}

TEST(BodyBuffer, MemoryThatIsNotThereIsNoRoom) {
  BodyBuffer body(nullptr, ~0ULL);
  EXPECT_EQ(body.reserve(1ULL << 60), Grown::kNoRoom);
}

TEST(BodyBuffer, GivesTheBudgetBackWhenTheBodyIsDropped) {
  const auto budget = std::make_shared<BodyBudget>(1000);
  BodyBuffer body(budget, 1000);
  EXPECT_EQ(body.reserve(600), Grown::kOk);
  EXPECT_EQ(budget->used(), 600U);
  BodyBuffer other(budget, 1000);
  EXPECT_EQ(other.reserve(401), Grown::kNoRoom);
  EXPECT_EQ(other.reserve(400), Grown::kOk);
  SharedBytes bytes = body.finish();
  EXPECT_EQ(budget->used(), 1000U);
  const SharedBytes copy = bytes;
  bytes = {};
  EXPECT_EQ(budget->used(), 1000U);
  bytes = copy;
  (void)other.finish();
  EXPECT_EQ(budget->used(), 600U);
}

TEST(BodyBuffer, TakesMemoryAsBytesCome) {
  const auto budget = std::make_shared<BodyBudget>(1'000'000);
  BodyBuffer body(budget, 1'000'000);
  EXPECT_EQ(body.grow_towards(1'000'001), Grown::kTooLarge);
  uint64_t most = 64 << 10;
  while (body.size() < 1'000'000) {
    ASSERT_EQ(body.grow_towards(1'000'000), Grown::kOk);
    const size_t count = std::min<size_t>(body.room().size(), 10'000);
    ASSERT_GT(count, 0U);
    EXPECT_LE(budget->used(), most);
    for (size_t i = 0; i < count; ++i) body.room()[i] = std::byte((body.size() + i) % 251);
    body.filled(count);
    most = std::max<uint64_t>(most, 4 * body.size());
  }
  EXPECT_EQ(budget->used(), 1'000'000U) << "exactly, in the end";
  const SharedBytes bytes = body.finish();
  for (size_t i = 0; i < bytes.bytes.size(); ++i) {
    ASSERT_EQ(bytes.bytes[i], std::byte(i % 251)) << i;
  }
}

TEST(BudgetShare, IsGivenBackOnce) {
  const auto budget = std::make_shared<BodyBudget>(100);
  {
    auto share = BudgetShare::take(budget, 60);
    ASSERT_TRUE(share);
    EXPECT_FALSE(BudgetShare::take(budget, 41));
    BudgetShare moved = std::move(*share);
    BudgetShare other;
    other = std::move(moved);
    EXPECT_EQ(budget->used(), 60U);
    other = {};
    EXPECT_EQ(budget->used(), 0U);
    other = *BudgetShare::take(budget, 100);
    EXPECT_EQ(budget->used(), 100U);
  }
  EXPECT_EQ(budget->used(), 0U);
}

TEST(BodyBudget, DoesNotOverflow) {
  BodyBudget budget(100);
  EXPECT_TRUE(budget.take(100));
  EXPECT_FALSE(budget.take(1));
  EXPECT_FALSE(budget.take(~0ULL));
  budget.give_back(100);
  EXPECT_EQ(budget.used(), 0U);
}
