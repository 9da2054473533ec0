#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister {

enum class Padding { kNone, kRequired };

// The standard alphabet of RFC 4648.
std::string base64(Bytes bytes, Padding padding);

// Only what base64() writes: no other alphabet, no white space, no bits left over. kInvalid.
Result<std::vector<std::byte>> parse_base64(std::string_view text, Padding padding);

}  // namespace cloister
