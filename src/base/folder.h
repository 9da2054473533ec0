#pragma once

#include "base/file.h"

namespace cloister {

// Makes the folder, and those above it, where there is none. kIo.
Result<> make_folder(const fs::path& folder);

}  // namespace cloister
