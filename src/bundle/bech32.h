#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister {

// Bech32 of BIP 173, without its limit of 90 letters, as age has its keys. Lower case.
std::string bech32(std::string_view prefix, Bytes bytes);

// The bytes of a text with this (lower-case) prefix, all of it in one case. kInvalid; the text,
// which may be a secret, is not in the error.
Result<std::vector<std::byte>> parse_bech32(std::string_view text, std::string_view prefix);

}  // namespace cloister
