#pragma once

#include <cstdint>

#include "base/error.h"

namespace cloister {

// The first thing that a program does which holds secrets, before it makes threads or uses a
// library: nothing of its memory ends in a core dump or is read by other processes of its user,
// files that it makes are its user's alone, and the environment, which the host chooses, configures
// no library; small secrets, and the private keys that OpenSSL makes, are in locked memory, which
// is not swapped out. OpenSSL reads no configuration file (which may name providers to load), and
// variables go but for the time zone and the language. What the loader reads (LD_PRELOAD) was read
// before; the image or the unit file must fix that.
void guard_process();

// Raises how many descriptors the process may have to what the system allows, and checks that
// `connections` and `own` others are among them: kUsage otherwise. Without descriptors of its own a
// server can reach nobody, and its clients decide how many they leave it.
Result<> need_descriptors(uint64_t connections, uint64_t own);

// Logs warnings: where the process runs as root, of whose rights it needs none; where memory for
// secrets can't be locked.
void tell_of_guards();

}  // namespace cloister
