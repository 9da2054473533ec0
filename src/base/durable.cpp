#include "base/durable.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.h"

namespace cloister {
namespace {

std::unexpected<Error> os_error(std::string_view doing, const fs::path& path) {
  return fail(Kind::kIo, "can't {} '{}': {}", doing, printable(path.string(), 400),
              std::strerror(errno));
}

// The name of a new file is on the disk once its folder is.
Result<> sync_folder(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0 && ::fsync(fd.get()) == 0) return {};
  return os_error("sync", folder);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return true;
}

}  // namespace

Result<> write_durably(const fs::path& path, std::string_view content) {
  fs::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return os_error("write", path);
  const bool written =
      write_all(fd, content) && ::fsync(fd) == 0 && ::rename(temporary.c_str(), path.c_str()) == 0;
  auto error = os_error("write", path);
  ::close(fd);
  if (written) return sync_folder(path);
  ::unlink(temporary.c_str());
  return error;
}

Result<AppendFile> AppendFile::open(const fs::path& path) {
  const int fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return os_error("open", path);
  AppendFile file(path, fd, 0);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return os_error("read", path);
  if (!S_ISREG(status.st_mode)) {
    return fail(Kind::kIo, "'{}' is not a regular file", printable(path.string(), 400));
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return os_error("lock", path);
    return fail(Kind::kUnavailable, "'{}' is in use by another process",
                printable(path.string(), 400));
  }
  // Only now: who had it open before may have written.
  if (::fstat(fd, &status) != 0) return os_error("read", path);
  file.size_ = static_cast<uint64_t>(status.st_size);
  TRY_OK(sync_folder(path));
  return file;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      broken_(other.broken_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(broken_, other.broken_);
  return *this;
}

bool AppendFile::is_at_its_path() const {
  struct stat own {};
  struct stat found {};
  return ::fstat(fd_, &own) == 0 && ::lstat(path_.c_str(), &found) == 0 &&
         own.st_dev == found.st_dev && own.st_ino == found.st_ino;
}

Result<> AppendFile::append(std::string_view bytes) {
  if (broken_) {
    return fail(Kind::kIo, "'{}' could not be written before, and is left as it is",
                printable(path_.string(), 400));
  }
  if (write_all(fd_, bytes) && ::fsync(fd_) == 0) {
    size_ += bytes.size();
    return {};
  }
  auto error = os_error("write", path_);
  // After a failed fsync nobody knows what is on the disk.
  if (!cut(size_)) broken_ = true;
  return error;
}

Result<> AppendFile::cut(uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0 || ::fsync(fd_) != 0) {
    return os_error("cut", path_);
  }
  size_ = size;
  return {};
}

}  // namespace cloister
