#pragma once

#include <type_traits>

#include "base/file.h"

namespace cloister {

// What `parse` makes of the whole of a regular file of at most `max_bytes`: a Result, whose error
// then names the file.
template <typename Parse>
std::invoke_result_t<Parse, const std::string&> parse_file(const fs::path& path, uint64_t max_bytes,
                                                           Parse parse) {
  TRY(text, read_file(path, max_bytes));
  auto parsed = parse(text);
  if (!parsed) {
    return with_context(std::move(parsed).error(),
                        fmt::format("'{}'", printable(path.string(), 400)));
  }
  return parsed;
}

}  // namespace cloister
