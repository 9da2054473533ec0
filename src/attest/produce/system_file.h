// Files that kernels and enclaves make up as they are read: their sizes say nothing, and their
// errors are what the maker has to say.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/file.h"

namespace cloister::attest {

// What an errno means for this file, for people; "" where its own text says it all.
using Explain = std::string_view (*)(int code);
inline std::string_view no_explanation(int) {
  return "";
}

// "can't DOING 'PATH': TEXT (EXPLANATION)". kNotFound where nothing is (behind) it: ENOENT,
// ENOTDIR, ENODEV, ENXIO; kUnavailable for what may pass: EBUSY, ETIMEDOUT, EINTR, EAGAIN; kIo
// otherwise.
std::unexpected<Error> system_error(int code, std::string_view doing, const fs::path& path,
                                    Explain explain = no_explanation);

// Reads to the end through one descriptor: what it says is made by the first read. kInvalid for
// more than `most` bytes.
Result<std::vector<std::byte>> read_system_file(const fs::path& path, size_t most,
                                                Explain explain = no_explanation);

// A short text without the line's end.
Result<std::string> read_system_text(const fs::path& path);

// One open, one write, one close: a second write would be a second value. What the close finds is
// lost where the file's maker acts on it only then (configfs).
Result<> write_system_file(const fs::path& path, Bytes bytes);

}  // namespace cloister::attest
