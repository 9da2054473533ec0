#include "net/body_buffer.h"

#include <algorithm>
#include <new>

namespace cloister::net {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr uint64_t kFirstBytes = 16 << 10;

}  // namespace

bool BodyBudget::take(uint64_t bytes) {
  if (!take_own(bytes)) return false;
  if (!whole_ || whole_->take(bytes)) return true;
  used_.fetch_sub(bytes);
  return false;
}

void BodyBudget::charge(uint64_t bytes) {
  used_.fetch_add(bytes);
  if (whole_) whole_->charge(bytes);
}

void BodyBudget::give_back(uint64_t bytes) {
  used_.fetch_sub(bytes);
  if (whole_) whole_->give_back(bytes);
}

bool BodyBudget::take_own(uint64_t bytes) {
  uint64_t used = used_.load();
  do {
    if (bytes > limit_ || used > limit_ - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

std::optional<BudgetShare> BudgetShare::take(std::shared_ptr<BodyBudget> budget, uint64_t bytes) {
  if (!budget->take(bytes)) return std::nullopt;
  return BudgetShare(std::move(budget), bytes);
}

BudgetShare BudgetShare::charge(std::shared_ptr<BodyBudget> budget, uint64_t bytes) {
  budget->charge(bytes);
  return {std::move(budget), bytes};
}

struct BodyBuffer::Block {
  std::byte* data = nullptr;
  uint64_t capacity = 0;
  std::shared_ptr<BodyBudget> budget;

  ~Block() {
    ::operator delete(data, kAlignment);
    if (budget) budget->give_back(capacity);
  }
};

// The old block's bytes of the budget go over to the new one, so that a body as large as the whole
// budget can be read.
BodyBuffer::Grown BodyBuffer::reserve(uint64_t size) {
  const uint64_t had = block_ ? block_->capacity : 0;
  if (size > max_bytes_) return Grown::kTooLarge;
  if (size <= had) return Grown::kOk;
  if (budget_ && !budget_->take(size - had)) return Grown::kNoRoom;
  auto grown = std::make_shared<Block>();
  grown->data = static_cast<std::byte*>(::operator new(size, kAlignment, std::nothrow));
  if (grown->data == nullptr) {
    if (budget_) budget_->give_back(size - had);
    return Grown::kNoRoom;
  }
  if (size_ > 0) std::memcpy(grown->data, block_->data, size_);
  if (block_) block_->budget = nullptr;
  grown->capacity = size;
  grown->budget = budget_;
  block_ = std::move(grown);
  return Grown::kOk;
}

BodyBuffer::Grown BodyBuffer::grow_towards(uint64_t total) {
  constexpr uint64_t kFirstBytesOfMany = 64 << 10;
  constexpr uint64_t kGrowth = 4;
  if (total > max_bytes_) return Grown::kTooLarge;
  if (!room().empty()) return Grown::kOk;
  return reserve(std::min(total, std::max(kFirstBytesOfMany, kGrowth * size_)));
}

BodyBuffer::Grown BodyBuffer::append(Bytes bytes) {
  if (!may_grow_by(bytes.size())) return Grown::kTooLarge;
  if (room().size() < bytes.size()) {
    const uint64_t needed = size_ + bytes.size();
    const uint64_t doubled = block_ ? 2 * block_->capacity : kFirstBytes;
    const Grown grown = reserve(std::min(max_bytes_, std::max(needed, doubled)));
    if (grown != Grown::kOk) return grown;
  }
  if (!bytes.empty()) std::memcpy(block_->data + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return Grown::kOk;
}

MutableBytes BodyBuffer::room() const {
  if (!block_) return {};
  return MutableBytes(block_->data, block_->capacity).subspan(size_);
}

SharedBytes BodyBuffer::finish() {
  SharedBytes body;
  if (block_) body = {Bytes(block_->data, size_), block_};
  block_.reset();
  size_ = 0;
  return body;
}

}  // namespace cloister::net
