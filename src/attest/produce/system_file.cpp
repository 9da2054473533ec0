#include "attest/produce/system_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cloister::attest {
namespace {

constexpr size_t kMaxText = 256;

Kind kind_of(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
      return Kind::kNotFound;
    case EBUSY:
    case ETIMEDOUT:
    case EINTR:
    case EAGAIN:
      return Kind::kUnavailable;
    default:
      return Kind::kIo;
  }
}

}  // namespace

std::unexpected<Error> system_error(int code, std::string_view doing, const fs::path& path,
                                    Explain explain) {
  const std::string_view more = explain(code);
  return fail(kind_of(code), "can't {} '{}': {}{}", doing, printable(path.string(), 400),
              std::strerror(code), more.empty() ? "" : fmt::format(" ({})", more));
}

Result<std::vector<std::byte>> read_system_file(const fs::path& path, size_t most,
                                                Explain explain) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error(errno, "open", path, explain);
  // One byte more than is allowed tells what is too long.
  std::vector<std::byte> bytes(most + 1);
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0) return system_error(errno, "read", path, explain);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > most)
    return invalid("'{}' has more than {} bytes", printable(path.string(), 400), most);
  bytes.resize(size);
  return bytes;
}

Result<std::string> read_system_text(const fs::path& path) {
  TRY(bytes, read_system_file(path, kMaxText));
  std::string text(as_text(bytes));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<> write_system_file(const fs::path& path, Bytes bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error(errno, "open", path);
  const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
  if (written < 0) return system_error(errno, "write", path);
  if (static_cast<size_t>(written) == bytes.size()) return {};
  return fail(Kind::kIo, "can't write '{}': {} of {} bytes were accepted",
              printable(path.string(), 400), written, bytes.size());
}

}  // namespace cloister::attest
