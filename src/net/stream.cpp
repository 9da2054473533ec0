#include "net/stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/socket_io.h"

namespace cloister::net {
namespace {

constexpr size_t kMostPieces = 64;  // in one system call

class PlainStream final : public Stream {
 public:
  explicit PlainStream(int socket) : socket_(socket) {}

  Io handshake() override { return Io::kDone; }

  ReadResult read(MutableBytes room) override {
    const ReadResult result = receive(socket_, room);
    if (result.io == Io::kBroken) errno_ = errno;
    return result;
  }

  Io write(Outgoing& outgoing) override {
    while (!outgoing.empty()) {
      size_t sent = 0;
      const Io io = send_some(socket_, outgoing.pieces(), sent);
      if (io == Io::kBroken) errno_ = errno;
      if (io != Io::kDone) return io;
      outgoing.consume(sent);
    }
    return Io::kDone;
  }

  void end() override { ::shutdown(socket_, SHUT_WR); }

  std::string error_text() const override {
    return errno_ == 0 ? std::string() : std::strerror(errno_);
  }

  Result<std::array<std::byte, 32>> exported_key(std::string_view, Bytes) const override {
    return fail(Kind::kUnsupported, "a connection without TLS has no exporter");
  }
  Result<std::array<std::byte, 32>> server_key_sha256() const override {
    return fail(Kind::kUnsupported, "a connection without TLS has no server key");
  }
  std::string client_certificate_sha256() const override { return {}; }

 private:
  int socket_;
  int errno_ = 0;
};

}  // namespace

void Outgoing::add(Bytes piece) {
  if (!piece.empty()) pieces_.push_back(piece);
}

void Outgoing::consume(size_t count) {
  while (count > 0) {
    Bytes& piece = pieces_[first_];
    const size_t taken = std::min(count, piece.size());
    piece = piece.subspan(taken);
    count -= taken;
    if (piece.empty()) ++first_;
  }
}

Stream::ReadResult receive(int socket, MutableBytes room) {
  while (true) {
    const ssize_t got = ::recv(socket, room.data(), room.size(), MSG_DONTWAIT);
    if (got > 0) return {Io::kDone, static_cast<size_t>(got)};
    if (got == 0) return {Io::kEnd};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {Io::kWantRead};
    if (errno != EINTR) return {Io::kBroken};
  }
}

Io send_some(int socket, std::span<const Bytes> pieces, size_t& sent) {
  std::array<iovec, kMostPieces> parts;
  const size_t count = std::min(pieces.size(), kMostPieces);
  for (size_t i = 0; i < count; ++i) {
    parts[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  while (true) {
    const ssize_t put = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      sent = static_cast<size_t>(put);
      return Io::kDone;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Io::kWantWrite;
    if (errno != EINTR) return Io::kBroken;
  }
}

std::unique_ptr<Stream> Stream::plain(int socket) {
  return std::make_unique<PlainStream>(socket);
}

}  // namespace cloister::net
