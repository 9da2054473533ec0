// The memory of a shared-memory link: two bells and two areas, one for each direction
// (docs/formats/shared-memory.md).
#pragma once

#include <atomic>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "net/deadline.h"

namespace cloister {

// A counter in shared memory that one side raises and the other waits for.
class Bell {
 public:
  explicit Bell(std::atomic<uint32_t>& count) : count_(&count) {}

  void ring();
  uint32_t count() const { return count_->load(std::memory_order_acquire); }
  // Waits until it is not at `last` any more, or until then. Returns whether it is not.
  bool wait(uint32_t last, net::Clock::time_point until) const;

 private:
  std::atomic<uint32_t>* count_;
};

// A mapping of both areas. The trusted side makes it, and seals its size, so that nobody can take
// pages away that the other is about to read.
class ShmMemory {
 public:
  // kIo: no memory, or no descriptor.
  static Result<ShmMemory> make(uint64_t call_bytes, uint64_t reply_bytes);
  // What the other side has made. kInvalid where it is not of that size, or not sealed.
  static Result<ShmMemory> map(Descriptor file, uint64_t call_bytes, uint64_t reply_bytes);
  ~ShmMemory();
  ShmMemory(ShmMemory&& other) noexcept;
  ShmMemory& operator=(ShmMemory&&) = delete;

  const Descriptor& file() const { return file_; }
  Bell call_bell() const;
  Bell reply_bell() const;
  MutableBytes call_area() const;
  MutableBytes reply_area() const;

 private:
  ShmMemory(Descriptor file, std::byte* begin, uint64_t call_bytes, uint64_t reply_bytes)
      : file_(std::move(file)), begin_(begin), call_bytes_(call_bytes), reply_bytes_(reply_bytes) {}

  Descriptor file_;
  std::byte* begin_;
  uint64_t call_bytes_;
  uint64_t reply_bytes_;
};

}  // namespace cloister
