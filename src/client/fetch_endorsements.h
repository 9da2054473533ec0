// Fetches what vendors publish about their hardware, for the folder of `cloisterd --endorsements`
// or for judging bare evidence.
#pragma once

#include <functional>

#include "attest/roots.h"
#include "attest/verify/endorsement_sources.h"
#include "base/time.h"
#include "net/client.h"

namespace cloister::serving {

struct FetchOptions {
  attest::EndorsementSites sites;
  std::optional<attest::SnpProduct> product;  // where the evidence does not say it
  net::ClientOptions client;
  net::Seconds limit{30};  // for each download
  // Before each download.
  std::function<void(const attest::EndorsementSource&)> on_source = [](const auto&) {};
};

// All that the evidence needs, checked as verifiers do: that it leads to the vendor's root, is in
// force at `now`, and is of this very chip and firmware. Whether the evidence is acceptable is not
// asked. kRefused: what was fetched does not vouch for it; kUnavailable, kDeadline: not now;
// kNotFound: the vendor does not know the chip, firmware or platform; kInvalid: what came is not
// what was asked for; otherwise as endorsement_sources().
Result<attest::Endorsements> fetch_endorsements(
    const attest::Evidence& evidence, const FetchOptions& options, Time now,
    const attest::Roots& roots = attest::vendor_roots());

}  // namespace cloister::serving
