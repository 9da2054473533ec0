// Short messages over a Unix socket, with which both ends of a shared-memory link find together
// (docs/formats/shared-memory.md). Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/descriptor.h"
#include "base/error.h"
#include "net/deadline.h"

namespace cloister {

// Of a path, in bytes: what the kernel's address of a socket holds.
inline constexpr size_t kMostSocketPath = 107;

// A text, and a file that came with it.
struct ShmMessage {
  std::string text;
  Descriptor file;
};

class ShmSocket {
 public:
  explicit ShmSocket(Descriptor fd) : fd_(std::move(fd)) {}

  // kUnavailable where nobody listens, or too many wait; kIo for our own trouble.
  static Result<ShmSocket> connect(const std::string& path);

  // At most 128 KiB, never waits. kUnavailable: the other end is gone or takes nothing.
  Result<> send(std::string_view text, const Descriptor& file = Descriptor());
  // kDeadline, kUnavailable when the other end is gone, kInvalid for a message that is too long.
  Result<ShmMessage> receive(net::Clock::time_point deadline);

  // Whether the other end is there and has sent nothing.
  bool is_quiet() const;
  // Ends a receive() of another thread, and all that follow.
  void shut_down() const;

 private:
  Descriptor fd_;
};

// Listens at a path, which only this user may connect to.
class ShmListener {
 public:
  // A socket that nobody listens at any more is replaced. kUsage where there is anything else.
  static Result<std::unique_ptr<ShmListener>> open(const std::string& path);
  ~ShmListener();
  ShmListener(const ShmListener&) = delete;
  ShmListener& operator=(const ShmListener&) = delete;

  // Waits for the next one; nothing: shut_down() was called. kIo: out of descriptors, say.
  Result<std::optional<ShmSocket>> accept();
  // By another thread.
  void shut_down() const;

 private:
  ShmListener(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  const Descriptor fd_;
  const std::string path_;
};

}  // namespace cloister
