// From a host's name to a connected socket, within a time limit.
#pragma once

#include <string>

#include "base/error.h"
#include "net/deadline.h"

namespace cloister::net {

// An open descriptor that closes itself.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  void close();

 private:
  int fd_;
};

// Waits until poll() reports one of `events`: those that it reports, or kDeadline.
Result<short> wait_for(int socket, short events, Clock::time_point deadline);

// Non-blocking, without Nagle's delay. kUnavailable when nobody answers there, kDeadline.
Result<Socket> connect_to(const std::string& host, uint16_t port, Clock::time_point deadline);

}  // namespace cloister::net
