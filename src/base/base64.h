#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister {

// RFC 4648.
enum class Base64 {
  kPadded,  // + and /, with = up to a multiple of four
  kBare,    // the same without =
  kUrl,     // - and _, without =
};

std::string base64(Bytes bytes, Base64 form);

// Only what base64() writes: no other alphabet, no white space, no bits left over. kInvalid.
Result<std::vector<std::byte>> parse_base64(std::string_view text, Base64 form);

}  // namespace cloister
