#include "base/words.h"

#include <fmt/ranges.h>

namespace cloister {

std::unexpected<Error> no_such_word(Kind kind, std::string_view what, std::string_view text,
                                    const std::vector<std::string_view>& known) {
  return fail(kind, "{}{}'{}', want {}", what, what.empty() ? "" : " ", printable(text, 40),
              fmt::join(known, ", "));
}

}  // namespace cloister
