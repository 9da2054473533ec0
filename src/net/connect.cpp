#include "net/connect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace cloister::net {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<std::vector<Address>> resolve(const std::string& host, uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0) {
    return fail(Kind::kUnavailable, "can't find host '{}': {}", printable(host),
                ::gai_strerror(code));
  }
  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address& address = addresses.emplace_back();
    address.size = entry->ai_addrlen;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
  }
  ::freeaddrinfo(list);
  return addresses;
}

// The system's resolver can't be interrupted, so that it works in a thread that is left alone when
// time is over. Addresses in digits need none.
Result<std::vector<Address>> resolve_until(const std::string& host, uint16_t port,
                                           Clock::time_point deadline) {
  if (auto numeric = resolve(host, port, AI_NUMERICHOST)) return numeric;
  std::promise<Result<std::vector<Address>>> promise;
  auto future = promise.get_future();
  try {
    std::thread([host, port, promise = std::move(promise)]() mutable {
      promise.set_value(resolve(host, port, 0));
    }).detach();
  } catch (const std::system_error& error) {
    return fail(Kind::kIo, "can't look for host '{}': {}", printable(host), error.what());
  }
  if (future.wait_until(deadline) != std::future_status::ready) {
    return fail(Kind::kDeadline, "the address of '{}' was not found in time", printable(host));
  }
  return future.get();
}

Result<Socket> connect_one(const Address& address, Clock::time_point deadline) {
  Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return fail(Kind::kIo, "{}", std::strerror(errno));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.get(), to, address.size) == 0) return socket;
  if (errno != EINPROGRESS) return fail(Kind::kUnavailable, "{}", std::strerror(errno));
  TRY_OK(wait_for(socket.get(), POLLOUT, deadline));
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(Kind::kUnavailable, "{}", std::strerror(error));
  return socket;
}

}  // namespace

void Socket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<short> wait_for(int socket, short events, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int64_t wait_ms = std::clamp<int64_t>(left.count(), 0, 1 << 30);
    pollfd watched{socket, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(wait_ms));
    if (ready > 0) return watched.revents;
    if (ready == 0 && left.count() <= wait_ms) return fail(Kind::kDeadline, "took too long");
    if (ready < 0 && errno != EINTR) return fail(Kind::kIo, "poll: {}", std::strerror(errno));
  }
}

Result<Socket> connect_to(const std::string& host, uint16_t port, Clock::time_point deadline) {
  TRY(addresses, resolve_until(host, port, deadline));
  Error last{Kind::kUnavailable, "no address"};
  for (size_t i = 0; i < addresses.size(); ++i) {
    // One that swallows packets must leave time for those after it.
    const auto left = deadline - Clock::now();
    const auto share = left / static_cast<int64_t>(addresses.size() - i);
    auto socket = connect_one(addresses[i], Clock::now() + share);
    if (socket) return socket;
    last = std::move(socket).error();
  }
  return with_context(std::move(last), fmt::format("{} port {}", printable(host), port));
}

}  // namespace cloister::net
