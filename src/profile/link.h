#pragma once

#include "link/link.h"
#include "profile/record.h"

namespace cloister::profile {

// Measures how long tensors of up to `largest` bytes take one way to a worker that serves the echo
// model (link/echo.h), through the very link that serving uses: medians of `rounds` for each of
// some sizes, and the line fitted to them. Errors as those of the link. Not thread-safe: nothing
// else should run meanwhile.
Result<LinkCost> measure_link(Link& link, std::string_view name, uint64_t largest, int rounds);

// A latency and a rate that explain the samples best, both positive: relative errors are what is
// made small, since sizes differ by orders of magnitude.
void fit_link(LinkCost& link);

}  // namespace cloister::profile
