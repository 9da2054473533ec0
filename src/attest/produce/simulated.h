#pragma once

#include "attest/produce/producer.h"

namespace cloister::attest {

// A producer of simulated evidence, which needs nothing. `why` there is no better one, for
// source(): may be empty.
std::unique_ptr<Producer> simulated_producer(std::string why = "");

}  // namespace cloister::attest
