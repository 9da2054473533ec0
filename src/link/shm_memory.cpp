#include "link/shm_memory.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include "base/checked.h"

namespace cloister {
namespace {

// Each part has pages of its own.
constexpr uint64_t kPage = 4096;
constexpr size_t kReplyBell = 64;  // on another cache line than the call's, at 0

static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4);

Result<uint64_t> total_of(uint64_t call_bytes, uint64_t reply_bytes) {
  if (call_bytes % kPage != 0 || reply_bytes % kPage != 0) {
    return invalid("areas of {} and {} bytes, want multiples of {}", call_bytes, reply_bytes,
                   kPage);
  }
  TRY(areas, checked_add(call_bytes, reply_bytes));
  return checked_add(areas, kPage);
}

std::unexpected<Error> failed(std::string_view what) {
  return fail(Kind::kIo, "{}: {}", what, std::strerror(errno));
}

Result<std::byte*> map_all(const Descriptor& file, uint64_t bytes) {
  void* const begin = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (begin == MAP_FAILED) return failed(fmt::format("mapping {} bytes", bytes));
  return static_cast<std::byte*>(begin);
}

// The bells are numbers of the kernel's, too: their addresses are all that it needs.
uint32_t* word_of(std::atomic<uint32_t>* count) {
  return reinterpret_cast<uint32_t*>(count);
}

}  // namespace

void Bell::ring() {
  count_->fetch_add(1, std::memory_order_release);
  ::syscall(SYS_futex, word_of(count_), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool Bell::wait(uint32_t last, net::Clock::time_point until) const {
  while (count() == last) {
    const auto left = std::chrono::ceil<std::chrono::nanoseconds>(net::left_until(until));
    if (left.count() <= 0) return false;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    ::syscall(SYS_futex, word_of(count_), FUTEX_WAIT, last, &limit, nullptr, 0);
  }
  return true;
}

Result<ShmMemory> ShmMemory::make(uint64_t call_bytes, uint64_t reply_bytes) {
  TRY(total, total_of(call_bytes, reply_bytes));
  Descriptor file(::memfd_create("cloister-link", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) return failed("memfd_create");
  if (::ftruncate(file.get(), static_cast<off_t>(total)) != 0) {
    return failed(fmt::format("memory of {} bytes", total));
  }
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return failed("sealing shared memory");
  }
  TRY(begin, map_all(file, total));
  return ShmMemory(std::move(file), begin, call_bytes, reply_bytes);
}

Result<ShmMemory> ShmMemory::map(Descriptor file, uint64_t call_bytes, uint64_t reply_bytes) {
  TRY(total, total_of(call_bytes, reply_bytes));
  // Other kinds of files have no seals.
  const int seals = file.get() < 0 ? -1 : ::fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return invalid("want memory whose size is sealed");
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0 || std::cmp_not_equal(found.st_size, total)) {
    return invalid("memory of {} bytes, want {}", found.st_size, total);
  }
  TRY(begin, map_all(file, total));
  return ShmMemory(std::move(file), begin, call_bytes, reply_bytes);
}

ShmMemory::~ShmMemory() {
  if (begin_ != nullptr) ::munmap(begin_, kPage + call_bytes_ + reply_bytes_);
}

ShmMemory::ShmMemory(ShmMemory&& other) noexcept
    : file_(std::move(other.file_)),
      begin_(std::exchange(other.begin_, nullptr)),
      call_bytes_(other.call_bytes_),
      reply_bytes_(other.reply_bytes_) {}

Bell ShmMemory::call_bell() const {
  return Bell(*reinterpret_cast<std::atomic<uint32_t>*>(begin_));
}

Bell ShmMemory::reply_bell() const {
  return Bell(*reinterpret_cast<std::atomic<uint32_t>*>(begin_ + kReplyBell));
}

MutableBytes ShmMemory::call_area() const {
  return {begin_ + kPage, call_bytes_};
}

MutableBytes ShmMemory::reply_area() const {
  return {begin_ + kPage + call_bytes_, reply_bytes_};
}

}  // namespace cloister
