// Files that must outlive a crash and a power cut.
#pragma once

#include "base/file.h"

namespace cloister {

// As write_file, for a regular file, with mode 0600; what was written, and its name, are on the
// disk when it returns.
Result<> write_durably(const fs::path& path, std::string_view content);

// A file that only grows, open in one process at a time. Not thread-safe.
class AppendFile {
 public:
  // Makes it, with mode 0600, where there is none. kUnavailable while another process has it open.
  static Result<AppendFile> open(const fs::path& path);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;

  const fs::path& path() const { return path_; }
  // Whether its name still leads to it.
  bool is_at_its_path() const;

  // As it is now, until append() or cut().
  Result<std::shared_ptr<const MappedFile>> map() const { return MappedFile::open(path_); }
  uint64_t size() const { return size_; }

  // All of `bytes`, on the disk when it returns. After an error the file is as it was, or, where
  // not even that could be had, every further call fails.
  Result<> append(std::string_view bytes);
  // Takes away what is behind the first `size` bytes.
  Result<> cut(uint64_t size);

 private:
  AppendFile(fs::path path, int fd, uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}

  fs::path path_;
  int fd_;
  uint64_t size_;
  bool broken_ = false;
};

}  // namespace cloister
