#include "profile/link.h"

#include <fmt/ranges.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>

#include "profile/timing.h"

namespace cloister::profile {
namespace {

std::unexpected<Error> refused(const char* what) {
  return fail(Kind::kIo, "link: {}: {}", what, std::strerror(errno));
}

// A file descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool send_all(int fd, const std::byte* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

bool receive_all(int fd, std::byte* data, size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(fd, data, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    data += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

struct Ends {
  Fd ours;
  Fd theirs;
};

Result<Ends> unix_ends() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return refused("socketpair");
  return Ends{Fd(fds[0]), Fd(fds[1])};
}

Result<Ends> tcp_ends() {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  if (listener.get() < 0 || ::bind(listener.get(), where, size) != 0 ||
      ::listen(listener.get(), 1) != 0 || ::getsockname(listener.get(), where, &size) != 0) {
    return refused("listen on loopback");
  }
  Ends ends{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), Fd()};
  if (ends.ours.get() < 0 || ::connect(ends.ours.get(), where, size) != 0) {
    return refused("connect to loopback");
  }
  ends.theirs = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (ends.theirs.get() < 0) return refused("accept on loopback");
  const int on = 1;
  for (const Fd* end : {&ends.ours, &ends.theirs}) {
    ::setsockopt(end->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return ends;
}

// Moves tensors to a thread that answers each with a byte.
class Channel {
 public:
  // With `shared`, tensors are copied there and only their size is sent.
  Channel(Ends ends, size_t largest, std::byte* shared)
      : ends_(std::move(ends)),
        tensor_(largest, std::byte{1}),
        shared_(shared),
        peer_([this] { answer(); }) {}
  ~Channel() {
    ::shutdown(ends_.ours.get(), SHUT_RDWR);
    peer_.join();
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Whether it came back.
  bool round_trip(uint64_t bytes) {
    if (shared_ != nullptr) std::memcpy(shared_, tensor_.data(), bytes);
    std::byte ack{};
    const int fd = ends_.ours.get();
    return send_all(fd, reinterpret_cast<const std::byte*>(&bytes), sizeof(bytes)) &&
           (shared_ != nullptr || send_all(fd, tensor_.data(), bytes)) && receive_all(fd, &ack, 1);
  }

 private:
  void answer() {
    std::vector<std::byte> tensor(shared_ == nullptr ? tensor_.size() : 0);
    const int fd = ends_.theirs.get();
    uint64_t bytes = 0;
    const std::byte ack{1};
    while (receive_all(fd, reinterpret_cast<std::byte*>(&bytes), sizeof(bytes)) &&
           (shared_ != nullptr || receive_all(fd, tensor.data(), bytes)) && send_all(fd, &ack, 1)) {
    }
  }

  Ends ends_;
  std::vector<std::byte> tensor_;
  std::byte* shared_;
  std::thread peer_;  // last: uses what is above
};

Result<std::vector<Link::Sample>> sample(Channel& channel, uint64_t largest, int rounds) {
  std::vector<uint64_t> sizes = {0};
  for (uint64_t size = 4096; size < largest; size *= 8) sizes.push_back(size);
  sizes.push_back(largest);
  std::vector<std::vector<double>> times(sizes.size());
  for (int round = -1; round < rounds; ++round) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      const auto start = Clock::now();
      if (!channel.round_trip(sizes[i])) return refused("send");
      // The first round is a warm-up.
      if (round >= 0) times[i].push_back(ms_since(start));
    }
  }
  std::vector<Link::Sample> samples;
  // The way back carries nothing: half of what nothing takes both ways. It is never the longer one.
  const double back = timing_of(times[0]).ms / 2;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Timing both = timing_of(times[i]);
    const auto one_way = [&](double ms) { return std::max(ms / 2, ms - back); };
    samples.push_back({sizes[i], {one_way(both.ms), one_way(both.low), one_way(both.high)}});
  }
  return samples;
}

struct Unmap {
  size_t size;
  void operator()(std::byte* memory) const { ::munmap(memory, size); }
};

}  // namespace

std::vector<std::string_view> link_names() {
  return {"shm", "tcp"};
}

void fit_link(Link& link) {
  // Weighted least squares of ms = a + b * bytes with weights 1 / ms^2.
  double w = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const Link::Sample& sample : link.samples) {
    const double weight = 1 / (sample.time.ms * sample.time.ms);
    const auto bytes = static_cast<double>(sample.bytes);
    w += weight;
    x += weight * bytes;
    y += weight * sample.time.ms;
    xx += weight * bytes * bytes;
    xy += weight * bytes * sample.time.ms;
  }
  const double spread = w * xx - x * x;
  const double slope = spread > 0 ? (w * xy - x * y) / spread : 0;
  link.bytes_per_second = slope > 0 ? 1e3 / slope : 1e15;
  link.latency_ms = std::max(0.0, (y - slope * x) / w);
}

Result<Link> measure_link(std::string_view name, uint64_t largest, int rounds) {
  largest = std::max<uint64_t>(largest, 8192);
  Link link;
  link.name = name;
  if (name == "shm") {
    void* const memory = ::mmap(nullptr, largest, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return refused("shared memory");
    const std::unique_ptr<std::byte, Unmap> shared(static_cast<std::byte*>(memory), Unmap{largest});
    TRY(ends, unix_ends());
    Channel channel(std::move(ends), largest, shared.get());
    TRY(samples, sample(channel, largest, rounds));
    link.samples = std::move(samples);
  } else if (name == "tcp") {
    TRY(ends, tcp_ends());
    Channel channel(std::move(ends), largest, nullptr);
    TRY(samples, sample(channel, largest, rounds));
    link.samples = std::move(samples);
  } else {
    return fail(Kind::kUsage, "no link '{}'; there are {}", printable(name, 40),
                fmt::join(link_names(), ", "));
  }
  fit_link(link);
  return link;
}

}  // namespace cloister::profile
