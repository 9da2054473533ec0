#include "base/folder.h"

namespace cloister {

Result<> make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (!code) return {};
  return fail(Kind::kIo, "can't make folder '{}': {}", printable(folder.string(), 400),
              code.message());
}

Result<> make_folder_of(const fs::path& file) {
  const fs::path folder = file.parent_path();
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return {};
  return make_folder(folder);
}

}  // namespace cloister
