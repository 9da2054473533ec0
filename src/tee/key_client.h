// Asks a key server for the keys of a bundle, showing what this environment is.
#pragma once

#include "attest/produce/attester.h"
#include "bundle/bundle.h"
#include "net/client.h"

namespace cloister::serving {

struct KeyQuestion {
  net::Url server;  // https
  // By default any certificate is accepted: only the true keys open the bundle.
  net::ClientOptions client{.trust = net::ClientOptions::Trust::kCallerChecks};
  net::Seconds limit{30};     // for each step
  std::string config_sha256;  // what the evidence is to vouch for, besides the bundle
  std::string tool;           // "cloister 0.1.0"
};

// What opens the bundle: Bundle::segment(name, identities, headers). The identity was made for this
// and is written nowhere.
struct ReleasedKeys {
  std::vector<age::Identity> identities;
  bundle::WrappedKeys headers;
  std::string key;  // what the key server calls it
};

// kUnavailable: not now, may be asked again. kRefused, with the key server's reason: the policy of
// the key says no, or what came opens nothing. Otherwise as Attester and Bundle.
Result<ReleasedKeys> ask_for_keys(const KeyQuestion& question, const bundle::Bundle& bundle,
                                  attest::Attester& producer);

}  // namespace cloister::serving
