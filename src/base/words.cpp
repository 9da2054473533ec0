#include "base/words.h"

#include <fmt/ranges.h>

namespace cloister {

std::string or_text(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 < words.size() ? ", " : " or ";
    text += words[i];
  }
  return text;
}

std::unexpected<Error> no_such_word(Kind kind, std::string_view what, std::string_view text,
                                    const std::vector<std::string_view>& known) {
  return fail(kind, "{}{}'{}', want {}", what, what.empty() ? "" : " ", printable(text, 40),
              fmt::join(known, ", "));
}

}  // namespace cloister
