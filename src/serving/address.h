#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace cloister::serving {

// Where to listen: "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:0".
struct Address {
  std::string host;  // without brackets
  uint16_t port = 0;
};

// kUsage, with the text.
Result<Address> parse_address(std::string_view text);

}  // namespace cloister::serving
