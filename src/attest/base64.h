// Base64 of PEM and of JSON Web Keys (RFC 4648 sections 4 and 5).
#pragma once

#include <vector>

#include "base/bytes.h"

namespace cloister::attest {

enum class Base64 {
  kStandard,  // + and /, padded
  kUrl,       // - and _, without padding
};

// Strict: no white space, no surplus bits, one encoding for each byte string. kInvalid otherwise.
Result<std::vector<std::byte>> decode_base64(std::string_view text, Base64 alphabet);

}  // namespace cloister::attest
