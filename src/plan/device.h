// Devices that are not at hand: what a plan would cost on them.
#pragma once

#include "profile/record.h"

namespace cloister::plan {

// A machine as its data sheet has it, and the link to it.
struct Roofline {
  double flops = 0;             // a second; a multiply-accumulate is two
  double bytes_per_second = 0;  // of its memory
  double link_bytes_per_second = 0;
  double link_latency_seconds = 0;  // one way
};

// "flops=60e12,bytes=3e12,link=12e9,latency=20e-6". kUsage naming what is missing or no number.
Result<Roofline> parse_roofline(std::string_view text);

// Adds a device of that name to the profile, with its link, both marked as modelled.
// A body takes, between each two neighbouring cuts, the longer of its arithmetic and its memory
// traffic: never less than it will take in fact. kUsage when the name is taken.
Result<> add_device(profile::ProfileRecord& profile, const std::string& name,
                    const Roofline& roofline);

// Adds the devices of a profile of the same model that was made on another machine, as "NAME" or,
// of several, "NAME/theirs"; they overlap with the trusted cores. kInvalid for another model, batch
// or list of cuts.
Result<> add_device(profile::ProfileRecord& profile, const std::string& name,
                    const profile::ProfileRecord& elsewhere);

}  // namespace cloister::plan
