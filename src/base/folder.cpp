#include "base/folder.h"

namespace cloister {

Result<> make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (!code) return {};
  return fail(Kind::kIo, "can't make folder '{}': {}", printable(folder.string(), 400),
              code.message());
}

}  // namespace cloister
