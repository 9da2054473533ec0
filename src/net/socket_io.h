// System calls on a non-blocking socket.
#pragma once

#include "net/stream.h"

namespace cloister::net {

Stream::ReadResult receive(int socket, MutableBytes room);
// As much as the system takes; `sent` tells how much.
Io send_some(int socket, std::span<const Bytes> pieces, size_t& sent);

}  // namespace cloister::net
