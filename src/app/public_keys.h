#pragma once

#include <string>
#include <vector>

#include "bundle/minisign.h"

namespace cloister {

// minisign public keys, each given as the name of a file or as text. Errors name the flag.
Result<std::vector<minisign::PublicKey>> read_public_keys(const std::vector<std::string>& given);

}  // namespace cloister
