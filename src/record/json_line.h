#pragma once

#include <optional>
#include <string_view>

namespace cloister {

// The line (from 1) of `json` with the value that errors and checks call `field`, such as
// "tee.tpm.pcrs[0].values": where its key stands or, in an array, where it begins. Nothing when it
// is not there. The text must have passed parse_strict_json(); of another the answer means nothing.
std::optional<size_t> json_line(std::string_view json, std::string_view field);

}  // namespace cloister
