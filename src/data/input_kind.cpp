#include "data/input_kind.h"

#include <algorithm>

namespace cloister::audit {

static_assert(std::ranges::all_of(kInputKinds,
                                  [](const auto& row) { return &info_of(row.kind) == &row; }),
              "info_of() finds every row by its kind");

const InputKindInfo* find_input_kind(std::string_view name) {
  const auto row = std::ranges::find(kInputKinds, name, &InputKindInfo::name);
  return row == kInputKinds.end() ? nullptr : &*row;
}

InputKind input_kind(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? InputKind::kPictures : InputKind::kRows;
}

}  // namespace cloister::audit
