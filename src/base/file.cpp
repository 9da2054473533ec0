#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"

namespace cloister {
namespace {

std::unexpected<Error> os_error(std::string_view doing, const fs::path& path) {
  const int code = errno;
  return fail(code == ENOENT ? Kind::kNotFound : Kind::kIo, "can't {} '{}': {}", doing,
              printable(path.string(), 400), std::strerror(code));
}

// Opens a regular file for reading and tells its size in bytes. O_NONBLOCK, so that a FIFO is
// refused instead of waited for.
Result<uint64_t> regular_file_size(const Descriptor& file, const fs::path& path) {
  if (file.get() < 0) return os_error("open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return os_error("read", path);
  if (!S_ISREG(status.st_mode)) {
    return fail(Kind::kIo, "can't read '{}': not a regular file", printable(path.string(), 400));
  }
  return static_cast<uint64_t>(status.st_size);
}

// Writes `file`; errors name `path`, which is what the user asked for.
Result<> write_into(const fs::path& file, const fs::path& path,
                    const std::function<Result<>(std::ostream&)>& write) {
  errno = 0;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  if (!out) return os_error("write", path);
  errno = 0;
  auto written = write(out);
  out.close();
  if (out) return written;
  if (errno == 0) errno = EIO;
  return os_error("write", path);
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  TRY(size, regular_file_size(file, path));
  if (size == 0) return std::shared_ptr<const MappedFile>(new MappedFile(nullptr, 0));
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return os_error("map", path);
  return std::shared_ptr<const MappedFile>(
      new MappedFile(static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<std::string> read_file(const fs::path& path, uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  TRY(size, regular_file_size(file, path));
  if (size > max_bytes) {
    return invalid("'{}' has {} bytes, at most {} are read", printable(path.string(), 400), size,
                   max_bytes);
  }
  std::string content(size, '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("read", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  content.resize(done);
  return content;
}

bool is_special_file(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

Result<> write_file(const fs::path& path, const std::function<Result<>(std::ostream&)>& write) {
  if (is_special_file(path)) return write_into(path, path, write);
  // Hidden, from whoever takes every file of the folder.
  const fs::path temporary =
      path.parent_path() / fmt::format(".{}.{}.tmp", path.filename().string(), ::getpid());
  auto written = write_into(temporary, path, write);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = os_error("write", path);
  if (!written) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
  }
  return written;
}

Result<> write_file(const fs::path& path, std::string_view content) {
  return write_file(path, [&](std::ostream& out) -> Result<> {
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    return {};
  });
}

Result<> write_new_file(const fs::path& path, Bytes content, bool secret) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                               secret ? 0600 : 0666));
  if (file.get() < 0 && errno == EEXIST) {
    return fail(Kind::kUsage, "'{}' already exists and will not be overwritten",
                printable(path.string(), 400));
  }
  if (file.get() < 0) return os_error("write", path);
  while (!content.empty()) {
    const ssize_t done = ::write(file.get(), content.data(), content.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      auto error = os_error("write", path);
      ::unlink(path.c_str());
      return error;
    }
    content = content.subspan(static_cast<size_t>(done));
  }
  return {};
}

Result<fs::path> resolve_inside(const fs::path& folder, const std::string& location) {
  const std::string shown = printable(location, 400);
  const auto refuse = [&](std::string_view why) {
    return fail(Kind::kRefused, "path '{}' {}; only files below the model's folder are read", shown,
                why);
  };
  if (location.empty()) return refuse("is empty");
  if (location.find('\0') != std::string::npos) return refuse("contains a zero byte");
  const fs::path relative(location);
  if (relative.is_absolute()) return refuse("is absolute");
  if (std::ranges::find(relative, "..") != relative.end()) return refuse("contains '..'");
  std::error_code code;
  const fs::path root = fs::canonical(folder.empty() ? "." : folder, code);
  if (code) return fail(Kind::kNotFound, "no folder '{}'", printable(folder.string(), 400));
  const fs::path full = fs::canonical(root / relative, code);
  if (code) return fail(Kind::kNotFound, "no file '{}' in '{}'", shown, root.string());
  const auto [root_end, _] = std::ranges::mismatch(root, full);
  if (root_end != root.end()) return refuse("leads out of the model's folder");
  return full;
}

}  // namespace cloister
