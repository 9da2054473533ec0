// Evidence that anybody could write.
#pragma once

#include "attest/producer.h"

namespace cloister::attest {

// `why`: what else was looked for, "" where it was named; for source().
std::unique_ptr<Producer> make_simulated(std::string why);

}  // namespace cloister::attest
