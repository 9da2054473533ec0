// Files: whole reads, memory maps, and writes that never leave half a file behind.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/bytes.h"

namespace cloister {

namespace fs = std::filesystem;

// A read-only memory map of a regular file. Pages are read when touched, so mapping a 10 GB file
// costs nothing. The file must not be truncated by others while it is mapped. Thread-safe.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  Bytes bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, size_t size) : data_(data), size_(size) {}

  const std::byte* data_;
  size_t size_;
};

// The whole of a regular file of at most `max_bytes`.
Result<std::string> read_file(const fs::path& path, uint64_t max_bytes = 1ULL << 32);

// Whether something is there that is neither a regular file nor a folder: a device, a pipe.
bool is_special_file(const fs::path& path);

// Writes `path` through a temporary file beside it, renamed into place once `write` has succeeded
// and the data is on its way to the disk. On any error `path` is left as it was. A device or a pipe
// (/dev/stdout) is written to, not replaced.
Result<> write_file(const fs::path& path, const std::function<Result<>(std::ostream&)>& write);
Result<> write_file(const fs::path& path, std::string_view content);

// Makes a file that only its owner can read (mode 0600) or, not `secret`, as any other. kUsage when
// something is there already: it is never replaced.
Result<> write_new_file(const fs::path& path, Bytes content, bool secret);

// `location` (as found inside a file from outside) resolved below `folder`, symbolic links
// followed. kRefused when it is absolute or leads out of `folder`; kNotFound when nothing is there.
Result<fs::path> resolve_inside(const fs::path& folder, const std::string& location);

}  // namespace cloister
