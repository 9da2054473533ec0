// Where the body of a message is read to.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "base/shared_bytes.h"

namespace cloister::net {

// How many bytes of requests and answers a server may hold at a time, or one of its peers: then
// all that the peer takes is taken from `whole` too. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t limit, std::shared_ptr<BodyBudget> whole = nullptr)
      : limit_(limit), whole_(std::move(whole)) {}
  bool take(uint64_t bytes);
  // Also where there are not as many: of what is there already. take() fails until enough was given
  // back.
  void charge(uint64_t bytes);
  void give_back(uint64_t bytes);
  uint64_t used() const { return used_.load(); }
  uint64_t limit() const { return limit_; }

 private:
  bool take_own(uint64_t bytes);

  const uint64_t limit_;
  const std::shared_ptr<BodyBudget> whole_;
  std::atomic<uint64_t> used_ = 0;
};

// Bytes of a budget for as long as this lives.
class BudgetShare {
 public:
  BudgetShare() = default;
  // Nothing where there are not as many.
  static std::optional<BudgetShare> take(std::shared_ptr<BodyBudget> budget, uint64_t bytes);
  static BudgetShare charge(std::shared_ptr<BodyBudget> budget, uint64_t bytes);
  BudgetShare(BudgetShare&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(other.bytes_) {}
  BudgetShare& operator=(BudgetShare&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  explicit operator bool() const { return budget_ != nullptr; }
  ~BudgetShare() {
    if (budget_) budget_->give_back(bytes_);
  }

 private:
  BudgetShare(std::shared_ptr<BodyBudget> budget, uint64_t bytes)
      : budget_(std::move(budget)), bytes_(bytes) {}

  std::shared_ptr<BodyBudget> budget_;
  uint64_t bytes_ = 0;
};

// A body that grows as it comes, 64-byte aligned and never filled with zeros. Not thread-safe.
class BodyBuffer {
 public:
  enum class Grown { kOk, kTooLarge, kNoRoom };

  // Holds at most `max_bytes`, all of them from `budget` (which may be null) until the last user of
  // the finished body drops it.
  BodyBuffer(std::shared_ptr<BodyBudget> budget, uint64_t max_bytes)
      : budget_(std::move(budget)), max_bytes_(max_bytes) {}

  // Makes room for `size` bytes in all, exactly.
  Grown reserve(uint64_t size);
  // Makes some room where there is none, on the way to `total` bytes: what is promised costs
  // nothing until it comes.
  Grown grow_towards(uint64_t total);
  Grown append(Bytes bytes);

  // The room that is left, and how much of it was filled.
  MutableBytes room() const;
  void filled(size_t count) { size_ += count; }
  size_t size() const { return size_; }
  bool may_grow_by(uint64_t bytes) const { return bytes <= max_bytes_ - size_; }

  // What was read; the buffer is empty afterwards.
  SharedBytes finish();

 private:
  struct Block;

  std::shared_ptr<BodyBudget> budget_;
  uint64_t max_bytes_;
  std::shared_ptr<Block> block_;
  size_t size_ = 0;
};

}  // namespace cloister::net
