#pragma once

#include <string>
#include <vector>

namespace cloister {

// The `count` texts of `known` with the smallest edit distance to `text`, nearest first: what a
// user who mistyped may have meant. Texts over 200 bytes are compared by their first 200.
std::vector<std::string> nearest_texts(const std::string& text,
                                       const std::vector<std::string>& known, size_t count);

}  // namespace cloister
