#include "cli/scratch.h"

#include <stdlib.h>

namespace cloister {

Result<Scratch> Scratch::make(const std::string& name) {
  std::error_code code;
  std::string path = (fs::temp_directory_path(code) / (name + "-XXXXXX")).string();
  if (code || ::mkdtemp(path.data()) == nullptr) {
    return fail(Kind::kIo, "can't make a folder for temporary files at '{}'", printable(path));
  }
  return Scratch(path);
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace cloister
