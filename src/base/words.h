// The words that values of an enum have in records and on command lines: one table for both ways.
//
//   constexpr Word<Placement> kPlacements[] = {{Placement::kTrusted, "trusted"}, ...};
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"

namespace cloister {

template <typename T>
struct Word {
  T value;
  std::string_view word;
};

// The value's word; `otherwise` where it has none.
template <typename T, size_t N>
std::string_view word_of(const Word<T> (&words)[N], T value, std::string_view otherwise = "?") {
  const auto found = std::ranges::find(words, value, &Word<T>::value);
  return found == std::end(words) ? otherwise : found->word;
}

// "a, b or c"
std::string or_text(const std::vector<std::string>& words);

// "'TEXT', want a, b, c": `what` comes before it where it is not empty.
std::unexpected<Error> no_such_word(Kind kind, std::string_view what, std::string_view text,
                                    const std::vector<std::string_view>& known);

// The row whose `word` is `text`. Fails with `kind`, listing the words. Rows may have more members
// than a Word.
template <typename Row, size_t N>
Result<const Row*> find_word(const Row (&rows)[N], std::string_view text,
                             Kind kind = Kind::kInvalid, std::string_view what = "") {
  const auto found = std::ranges::find(rows, text, &Row::word);
  if (found != std::end(rows)) return found;
  std::vector<std::string_view> known;
  for (const Row& row : rows) known.push_back(row.word);
  return no_such_word(kind, what, text, known);
}

// Sets `out` to the value whose word is `text`; errors as find_word()'s.
template <typename T, size_t N>
Result<> value_of_word(const Word<T> (&words)[N], std::string_view text, T& out,
                       Kind kind = Kind::kInvalid, std::string_view what = "") {
  TRY(row, find_word(words, text, kind, what));
  out = row->value;
  return {};
}

}  // namespace cloister
