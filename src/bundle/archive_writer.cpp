#include "bundle/archive_writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/sha256.h"
#include "bundle/zip_handle.h"

namespace cloister::bundle {
// Removed with all that is in it.
struct ArchiveWriter::Folder {
  explicit Folder(fs::path folder) : path(std::move(folder)) {}
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path path;
};

ArchiveWriter::ArchiveWriter(fs::path output, std::unique_ptr<Folder> folder)
    : output_(std::move(output)), folder_(std::move(folder)) {}

ArchiveWriter::~ArchiveWriter() = default;
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;

Result<ArchiveWriter> ArchiveWriter::start(const fs::path& output) {
  const std::string shown = printable(output.string(), 400);
  // It would be replaced by a file, not written to.
  if (is_special_file(output)) {
    return fail(Kind::kIo, "can't write '{}': a bundle must be a regular file", shown);
  }
  fs::path folder = output;
  folder += fmt::format(".{}.parts", ::getpid());
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return fail(Kind::kIo, "can't write '{}': {}", shown, std::strerror(errno));
  }
  return ArchiveWriter(output, std::make_unique<Folder>(folder));
}

Result<Entry> ArchiveWriter::add(const std::string& name, const Write& write) {
  Entry entry{.name = name};
  Sha256 hash;
  const auto written = write_file(folder_->path / name, [&](std::ostream& out) -> Result<> {
    return write([&](Bytes bytes) -> Result<> {
      out.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
      if (!out) return fail(Kind::kIo, "'{}' can't be written: is the disk full?", name);
      hash.update(bytes);
      entry.bytes += bytes.size();
      return {};
    });
  });
  if (!written) {
    return with_context(written.error(),
                        fmt::format("can't write '{}'", printable(output_.string(), 400)));
  }
  entry.sha256 = to_hex(hash.finish());
  return entry;
}

Result<Entry> ArchiveWriter::add(const std::string& name, std::string_view content) {
  return add(name, [&](const age::Sink& sink) { return sink(as_bytes(content)); });
}

Result<Entry> ArchiveWriter::add_encrypted(const std::string& name,
                                           const std::vector<age::Recipient>& to,
                                           const Write& write) {
  Sha256 hash;
  uint64_t plain_bytes = 0;
  TRY(entry, add(name, [&](const age::Sink& sink) -> Result<> {
        TRY(encryptor, age::Encryptor::start(to, sink));
        TRY_OK(write([&, &encryptor = encryptor](Bytes bytes) {
          hash.update(bytes);
          plain_bytes += bytes.size();
          return encryptor.write(bytes);
        }));
        return encryptor.finish();
      }));
  entry.plain_bytes = plain_bytes;
  entry.plain_sha256 = to_hex(hash.finish());
  return entry;
}

Result<> ArchiveWriter::finish(const std::vector<std::string>& order) {
  const std::string shown = printable(output_.string(), 400);
  int code = 0;
  ZipHandle archive(zip_open(output_.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) {
    return fail(Kind::kIo, "can't write '{}': {}", shown, std::strerror(errno));
  }
  const auto failed = [&] {
    return fail(Kind::kIo, "can't write '{}': {}", shown, zip_strerror(archive.get()));
  };
  for (const std::string& name : order) {
    zip_source_t* source = zip_source_file(archive.get(), (folder_->path / name).c_str(), 0, -1);
    if (source == nullptr) return failed();
    const zip_int64_t index = zip_file_add(archive.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return failed();
    }
    constexpr zip_uint16_t kFirstDay = 1 << 5 | 1;  // 1980-01-01, where DOS time starts
    const auto at = static_cast<zip_uint64_t>(index);
    if (zip_set_file_compression(archive.get(), at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), at, 0, kFirstDay, 0) != 0) {
      return failed();
    }
  }
  // zip_close() writes a temporary file beside the path and renames it; it frees on success only.
  if (zip_close(archive.get()) != 0) return failed();
  static_cast<void>(archive.release());
  return {};
}

}  // namespace cloister::bundle
