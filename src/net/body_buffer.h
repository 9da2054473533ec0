// Where the body of a message is read to.
#pragma once

#include <atomic>
#include <memory>

#include "base/shared_bytes.h"

namespace cloister::net {

// How many bytes of bodies a server may hold at a time. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t limit) : limit_(limit) {}
  bool take(uint64_t bytes);
  void give_back(uint64_t bytes) { used_.fetch_sub(bytes); }
  uint64_t used() const { return used_.load(); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_ = 0;
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
