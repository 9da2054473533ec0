// The kinds of input that an audit can attack: one row each. What attackers do with a kind is in
// audit/attack/input_kinds.h, how an audit reads and scores it in audit/protocol/input_kinds.h.
#pragma once

#include <array>
#include <filesystem>
#include <string_view>

namespace cloister::audit {

enum class InputKind { kPictures, kRows };

// All that is known of a kind without reading any of it. Plain data.
struct InputKindInfo {
  InputKind kind;
  std::string_view name;  // as records say it
  std::string_view data;  // what --data takes
  bool pictured = false;  // people can look at reconstructions: a report has a gallery
};

inline constexpr auto kInputKinds = std::to_array<InputKindInfo>({
    {InputKind::kPictures, "images", "a folder of JPEG and PNG pictures", true},
    {InputKind::kRows, "table", "a .csv table"},
});

constexpr const InputKindInfo& info_of(InputKind kind) {
  return kInputKinds[static_cast<size_t>(kind)];
}

// The row that records say so; null for a name that there is none of.
const InputKindInfo* find_input_kind(std::string_view name);

// What lies at a path: pictures in a folder, rows in a file. Looks at the path's type alone.
InputKind input_kind(const std::filesystem::path& path);

}  // namespace cloister::audit
