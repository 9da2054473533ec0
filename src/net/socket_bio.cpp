#include "net/socket_bio.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/socket_io.h"

namespace cloister::net {
namespace {

constexpr size_t kBlockBytes = 64 << 10;

// A block that exists only while there is something in it: idle connections are many.
struct Block {
  std::unique_ptr<std::byte[]> data;
  size_t begin = 0;
  size_t end = 0;

  size_t size() const { return end - begin; }
  Bytes content() const { return {data.get() + begin, size()}; }
  MutableBytes room() {
    if (!data) data = std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
    return {data.get() + end, kBlockBytes - end};
  }
  void consume(size_t count) {
    begin += count;
    if (begin == end) {
      data.reset();
      begin = end = 0;
    }
  }
};

struct SocketBio {
  int socket;
  Block in;
  Block out;
  bool ended = false;
};

SocketBio& state_of(BIO* bio) {
  return *static_cast<SocketBio*>(BIO_get_data(bio));
}

int bio_read(BIO* bio, char* to, int count) {
  SocketBio& state = state_of(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (state.in.size() == 0) {
    const auto [io, got] = receive(state.socket, state.in.room());
    if (io != Io::kDone) {
      state.in.consume(0);
      if (io == Io::kWantRead) BIO_set_retry_read(bio);
      state.ended = io == Io::kEnd;
      return io == Io::kEnd ? 0 : -1;
    }
    state.in.end += got;
  }
  const size_t taken = std::min(static_cast<size_t>(count), state.in.size());
  std::memcpy(to, state.in.content().data(), taken);
  state.in.consume(taken);
  return static_cast<int>(taken);
}

// Whether the block is empty now.
bool flush(BIO* bio, SocketBio& state) {
  while (state.out.size() > 0) {
    const Bytes content = state.out.content();
    size_t sent = 0;
    const Io io = send_some(state.socket, {&content, 1}, sent);
    if (io != Io::kDone) {
      if (io == Io::kWantWrite) BIO_set_retry_write(bio);
      return false;
    }
    state.out.consume(sent);
  }
  return true;
}

int bio_write(BIO* bio, const char* from, int count) {
  SocketBio& state = state_of(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (state.out.end == kBlockBytes && !flush(bio, state)) return -1;
  const MutableBytes room = state.out.room();
  const size_t taken = std::min(static_cast<size_t>(count), room.size());
  std::memcpy(room.data(), from, taken);
  state.out.end += taken;
  return static_cast<int>(taken);
}

long bio_ctrl(BIO* bio, int command, long, void*) {
  SocketBio& state = state_of(bio);
  switch (command) {
    case BIO_CTRL_FLUSH:
      BIO_clear_retry_flags(bio);
      return flush(bio, state) ? 1 : -1;
    case BIO_CTRL_EOF:
      return state.ended ? 1 : 0;
    case BIO_CTRL_PENDING:
      return static_cast<long>(state.in.size());
    case BIO_CTRL_WPENDING:
      return static_cast<long>(state.out.size());
    default:
      return 0;
  }
}

int bio_destroy(BIO* bio) {
  delete static_cast<SocketBio*>(BIO_get_data(bio));
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* const method =
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cloister socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_ctrl(method, bio_ctrl);
  BIO_meth_set_destroy(method, bio_destroy);
  return method;
}

}  // namespace

BioPtr make_socket_bio(int socket) {
  static BIO_METHOD* const kMethod = make_method();  // lives as long as the program
  BioPtr bio(kMethod == nullptr ? nullptr : BIO_new(kMethod));
  if (!bio) return nullptr;
  BIO_set_data(bio.get(), new SocketBio{.socket = socket, .in = {}, .out = {}});
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace cloister::net
