#include "net/body_buffer.h"

#include <algorithm>
#include <new>

namespace cloister::net {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr uint64_t kFirstBytes = 16 << 10;

}  // namespace

bool BodyBudget::take(uint64_t bytes) {
  uint64_t used = used_.load();
  do {
    if (bytes > limit_ || used > limit_ - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
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

BodyBuffer::Grown BodyBuffer::reserve(uint64_t size) {
  if (size > max_bytes_) return Grown::kTooLarge;
  if (size <= (block_ ? block_->capacity : 0)) return Grown::kOk;
  if (budget_ && !budget_->take(size)) return Grown::kNoRoom;
  auto grown = std::make_shared<Block>();
  grown->capacity = size;
  grown->budget = budget_;
  grown->data = static_cast<std::byte*>(::operator new(size, kAlignment, std::nothrow));
  if (grown->data == nullptr) return Grown::kNoRoom;
  if (size_ > 0) std::memcpy(grown->data, block_->data, size_);
  block_ = std::move(grown);
  return Grown::kOk;
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
