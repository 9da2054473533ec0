#pragma once

#include "profile/record.h"

namespace cloister::profile {

// The ways that a tensor can take on this machine: "shm", memory that both sides map with a Unix
// socket that tells when, and "tcp", a connection over loopback.
std::vector<std::string_view> link_names();

// Measures how long tensors of up to `largest` bytes take one way, between two threads that wait
// for each other as two processes would: medians of `rounds` for each of some sizes, and the line
// fitted to them. kUsage for a name that is none, kIo where the system refuses.
Result<Link> measure_link(std::string_view name, uint64_t largest, int rounds);

// A latency and a rate that explain the samples best, both positive: relative errors are what is
// made small, since sizes differ by orders of magnitude.
void fit_link(Link& link);

}  // namespace cloister::profile
