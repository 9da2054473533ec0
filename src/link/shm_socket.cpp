#include "link/shm_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/time.h"

namespace cloister {
namespace {

constexpr size_t kMostMessage = 128 << 10;
constexpr int kBacklog = 64;

Error failed(Kind kind, std::string_view what) {
  return {kind, fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof(address.sun_path) == kMostSocketPath + 1);
  if (path.empty() || path.size() > kMostSocketPath) {
    return fail(Kind::kUsage, "socket '{}': want a path of 1 to {} bytes", printable(path, 200),
                kMostSocketPath);
  }
  std::ranges::copy(path, address.sun_path);
  return address;
}

Result<Descriptor> make_socket() {
  Descriptor fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return std::unexpected(failed(Kind::kIo, "socket"));
  return fd;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// What poll() says of it, once there is something to read or it was shut down; 0: not by then.
short wait_readable(const Descriptor& fd, net::Clock::time_point deadline) {
  while (true) {
    pollfd waiting{.fd = fd.get(), .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(net::left_until(deadline));
    constexpr int64_t kLongest = 3'600'000;
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min(left.count(), kLongest)));
    if (ready > 0) return waiting.revents;
    if (ready < 0 && errno != EINTR) return 0;
    if (net::Clock::now() >= deadline) return 0;
  }
}

// Room for one descriptor; the kernel closes further ones.
union Control {
  cmsghdr alignment;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

}  // namespace

Result<ShmSocket> ShmSocket::connect(const std::string& path) {
  TRY(address, address_of(path));
  TRY(fd, make_socket());
  if (::connect(fd.get(), generic(address), sizeof(address)) == 0) return ShmSocket(std::move(fd));
  return std::unexpected(failed(Kind::kUnavailable, "can't connect"));
}

Result<> ShmSocket::send(std::string_view text, const Descriptor& file) {
  if (text.size() > kMostMessage) return invalid("a message of {} bytes", text.size());
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control{};
  if (file.get() >= 0) {
    const int fd = file.get();
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  }
  if (::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {};
  return std::unexpected(failed(Kind::kUnavailable, "can't send"));
}

Result<ShmMessage> ShmSocket::receive(net::Clock::time_point deadline) {
  if (wait_readable(fd_, deadline) == 0) return fail(Kind::kDeadline, "no message came in time");
  ShmMessage received;
  received.text.resize(kMostMessage);
  iovec part{.iov_base = received.text.data(), .iov_len = received.text.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t got = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return std::unexpected(failed(Kind::kUnavailable, "can't receive"));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    received.file = Descriptor(fd);
  }
  if (got == 0) return fail(Kind::kUnavailable, "the other end closed the connection");
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return invalid("a message of more than {} bytes, or with more than one file", kMostMessage);
  }
  received.text.resize(static_cast<size_t>(got));
  return received;
}

bool ShmSocket::is_quiet() const {
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void ShmSocket::shut_down() const {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

Result<std::unique_ptr<ShmListener>> ShmListener::open(const std::string& path) {
  TRY(address, address_of(path));
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) {
      return fail(Kind::kUsage, "'{}' exists, and is no socket", printable(path, 200));
    }
    if (ShmSocket::connect(path)) {
      return fail(Kind::kUsage, "a server listens at '{}' already", printable(path, 200));
    }
    ::unlink(path.c_str());
  }
  TRY(fd, make_socket());
  const auto failed_at = [&] { return std::unexpected(failed(Kind::kIo, printable(path, 200))); };
  // The socket's mode holds for whoever connects, and it takes none before it listens.
  if (::bind(fd.get(), generic(address), sizeof(address)) != 0) return failed_at();
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) return failed_at();
  if (::listen(fd.get(), kBacklog) != 0) return failed_at();
  return std::unique_ptr<ShmListener>(new ShmListener(std::move(fd), path));
}

ShmListener::~ShmListener() {
  ::unlink(path_.c_str());
}

Result<std::optional<ShmSocket>> ShmListener::accept() {
  while (true) {
    const short events = wait_readable(fd_, net::Clock::now() + std::chrono::hours(1));
    Descriptor fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() >= 0) return ShmSocket(std::move(fd));
    if ((events & POLLHUP) != 0) return std::nullopt;  // shut down
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return std::unexpected(failed(Kind::kIo, "can't accept"));
    }
  }
}

void ShmListener::shut_down() const {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace cloister
