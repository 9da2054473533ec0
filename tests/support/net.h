// Both ends of connections, as tests need them: sockets that send any bytes, and servers that
// answer anything.
#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

#include "net/client.h"
#include "net/server.h"
#include "tests/support/result.h"

namespace cloister::test {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A blocking socket. Reads give up after 20 s, which no test waits for unless something hangs.
class RawSocket {
 public:
  explicit RawSocket(int fd) : fd_(fd) {}
  // From another address of this machine, if one is given.
  static RawSocket to(uint16_t port, const char* from = "127.0.0.1") {
    RawSocket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{.sin_family = AF_INET};
    ::inet_pton(AF_INET, from, &own.sin_addr);
    ::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&own), sizeof(own));
    const sockaddr_in address = loopback(port);
    const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.fd_, raw, sizeof(address)) != 0) throw std::runtime_error("connect");
    return socket;
  }
  ~RawSocket() { close(); }
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&&) = delete;

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void end() { ::shutdown(fd_, SHUT_WR); }

  // Whether all of it could be sent.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // What comes until `mark` has, or the peer closes.
  std::string read_until(std::string_view mark) {
    std::string text;
    char byte = 0;
    while (!text.ends_with(mark) && read_some(&byte, 1) == 1) text += byte;
    return text;
  }
  std::string read_all() {
    std::string text;
    char block[65536];
    while (const size_t got = read_some(block, sizeof(block))) text.append(block, got);
    return text;
  }
  std::string read_exactly(size_t count) {
    std::string text(count, '\0');
    size_t done = 0;
    while (done < count) {
      const size_t got = read_some(text.data() + done, count - done);
      if (got == 0) break;
      done += got;
    }
    text.resize(done);
    return text;
  }
  // A head, and as much of a body as it announces.
  std::string read_response() {
    std::string head = read_until("\r\n\r\n");
    const size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? head : head + read_exactly(std::stoul(head.substr(at + 16)));
  }

 private:
  size_t read_some(char* to, size_t count) {
    pollfd watched{fd_, POLLIN, 0};
    if (::poll(&watched, 1, 20'000) != 1) throw std::runtime_error("nothing came in 20 s");
    const ssize_t got = ::recv(fd_, to, count, 0);
    return got < 0 ? 0 : static_cast<size_t>(got);
  }

  int fd_;
};

// Gives each connection, one after the other, to `script`.
class RawServer {
 public:
  explicit RawServer(std::function<void(RawSocket&)> script) : script_(std::move(script)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
        ::getsockname(listener_.get(), raw, &size) != 0) {
      throw std::runtime_error("listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  uint16_t port() const { return port_; }
  net::Url url() const { return {.tls = false, .host = "127.0.0.1", .port = port_, .path = ""}; }

 private:
  void serve() {
    while (true) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      RawSocket socket(fd);
      script_(socket);
    }
  }

  std::function<void(RawSocket&)> script_;
  RawSocket listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  uint16_t port_ = 0;
  std::thread thread_;
};

inline std::string text_of(const net::Response& response) {
  std::string text;
  for (const SharedBytes& piece : response.body) text += as_text(piece.bytes);
  return text;
}

inline int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Waits until `condition` holds; false where it does not within `limit`.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::duration<double> limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace cloister::test
