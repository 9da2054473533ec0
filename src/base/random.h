#pragma once

#include "base/bytes.h"

namespace cloister {

// Fills `bytes` from the operating system's generator (through OpenSSL): for keys, nonces and
// secret choices. kInternal when it fails. Thread-safe.
Result<> random_bytes(MutableBytes bytes);

// The same as a number.
Result<uint64_t> random_number();

}  // namespace cloister
