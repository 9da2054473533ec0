// Folders, made where they are missing.
#pragma once

#include "base/file.h"

namespace cloister {

// Makes the folder, and those above it, where there is none. kIo.
Result<> make_folder(const fs::path& folder);

// The same for the folder that a file is to be written into, so that every -o FILE may name a new
// one. kIo.
Result<> make_folder_of(const fs::path& file);

}  // namespace cloister
