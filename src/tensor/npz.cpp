#include "tensor/npz.h"

#include <zip.h>

#include <algorithm>
#include <set>

#include "base/checked.h"

namespace cloister {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr int64_t kMaxEntries = 1 << 16;
// Deflate (RFC 1951) makes at most 258 bytes of 2 bits.
constexpr uint64_t kMaxDeflateRatio = 1032;

struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;

// A libzip error code and its text.
class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  explicit ZipError(int code) { zip_error_init_with_code(&error_, code); }
  ~ZipError() { zip_error_fini(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;

  zip_error_t* get() { return &error_; }
  std::string text() { return zip_error_strerror(&error_); }

 private:
  zip_error_t error_;
};

Result<Archive> open_archive(Bytes file) {
  if (file.empty()) return invalid("0 bytes: not an .npz file");
  ZipError error;
  zip_source_t* source = zip_source_buffer_create(file.data(), file.size(), 0, error.get());
  if (source == nullptr) return fail(Kind::kIo, "can't open the archive: {}", error.text());
  Archive archive(zip_open_from_source(source, ZIP_RDONLY, error.get()));
  if (!archive) {
    zip_source_free(source);
    return invalid("not an .npz file: {}", error.text());
  }
  return archive;
}

// Fills `out` as far as the entry goes; libzip checks the CRC at its end.
Result<size_t> read_some(zip_file_t* entry, MutableBytes out) {
  size_t done = 0;
  while (done < out.size()) {
    const zip_int64_t got = zip_fread(entry, out.data() + done, out.size() - done);
    if (got < 0) return invalid("damaged: {}", zip_file_strerror(entry));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

// What the archive's directory says of an entry, checked before anything is unpacked.
Result<zip_stat_t> check_entry(zip_t* archive, zip_uint64_t index, uint64_t archive_bytes,
                               uint64_t bytes_left) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive, index, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
    return invalid("damaged: {}", zip_strerror(archive));
  }
  if (stat.encryption_method != ZIP_EM_NONE) return fail(Kind::kUnsupported, "is encrypted");
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
    return fail(Kind::kUnsupported, "compression method {}, want 0 (stored) or 8 (deflated)",
                stat.comp_method);
  }
  if (stat.comp_size > archive_bytes) {
    return invalid("{} packed bytes in an archive of {}", stat.comp_size, archive_bytes);
  }
  const uint64_t most = stat.comp_method == ZIP_CM_STORE
                            ? stat.comp_size
                            : saturating_mul(stat.comp_size, kMaxDeflateRatio);
  if (stat.size > most) {
    return invalid("says {} bytes, but {} packed bytes hold at most {}", stat.size, stat.comp_size,
                   most);
  }
  if (stat.size > bytes_left) {
    return invalid("needs {} bytes, {} are left of the limit", stat.size, bytes_left);
  }
  return stat;
}

Result<Tensor> read_entry(zip_t* archive, const zip_stat_t& stat) {
  const Entry entry(zip_fopen_index(archive, stat.index, 0));
  if (!entry) return invalid("damaged: {}", zip_strerror(archive));
  // The header first, so that its word on the size can be held against the archive's.
  std::vector<std::byte> start(std::min<uint64_t>(stat.size, kMaxNpyDict + 16));
  TRY(got, read_some(entry.get(), start));
  Reader in(Bytes(start).first(got));
  TRY(header, parse_npy_header(in));
  const uint64_t header_bytes = got - in.left();
  if (header_bytes + header.data_bytes != stat.size) {
    return invalid("npy data has {} bytes, {} {} needs {}", stat.size - header_bytes,
                   dtype_name(header.dtype), shape_text(header.shape), header.data_bytes);
  }
  TRY(buffer, Tensor::make(DType::kU8, {static_cast<int64_t>(header.data_bytes)}));
  const MutableBytes data = buffer.mutable_data();
  TRY(first, in.take(in.left()));
  std::ranges::copy(first, data.begin());
  TRY(rest, read_some(entry.get(), data.subspan(first.size())));
  if (first.size() + rest != data.size()) {
    return invalid("ends after {} bytes of data, want {}", first.size() + rest, data.size());
  }
  // Reading past the end makes libzip compare the CRC.
  std::byte more;
  TRY(extra, read_some(entry.get(), {&more, 1}));
  if (extra != 0) return invalid("continues after its {} bytes of data", data.size());
  // Bytes that need no rearranging are the tensor; only their label changes.
  const bool as_is = !header.big_endian && header.dtype != DType::kBool &&
                     (!header.fortran_order || header.shape.size() < 2);
  if (as_is) {
    const auto owner = std::make_shared<Tensor>(buffer);
    return Tensor::adopt(header.dtype, header.shape, owner->data(), owner);
  }
  return npy_tensor(header, data);
}

Result<> check_name(const std::string& name, std::set<std::string>& names) {
  const std::string shown = printable(name);
  if (name.empty()) return invalid("an array has no name");
  if (printable(name, name.size() + 1) != name) {
    return invalid("array '{}': a name is UTF-8 without control characters", shown);
  }
  if (!names.insert(name).second) return invalid("array '{}' occurs twice", shown);
  return {};
}

Result<> add_array(zip_t* archive, const NamedTensor& array, std::string_view header) {
  const Bytes data = array.tensor.data();
  // Header and data without copying them together; libzip reads, though its type says otherwise.
  zip_buffer_fragment_t pieces[] = {
      {reinterpret_cast<zip_uint8_t*>(const_cast<char*>(header.data())), header.size()},
      {reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(data.data())), data.size()}};
  zip_source_t* source = zip_source_buffer_fragment(archive, pieces, data.empty() ? 1 : 2, 0);
  if (source == nullptr) return fail(Kind::kIo, "{}", zip_strerror(archive));
  const std::string name = array.name + std::string(kSuffix);
  const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return fail(Kind::kIo, "{}", zip_strerror(archive));
  }
  const auto at = static_cast<zip_uint64_t>(index);
  constexpr zip_uint16_t kFirstDay = 1 << 5 | 1;  // 1980-01-01, where DOS time starts
  if (zip_set_file_compression(archive, at, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, at, 0, kFirstDay, 0) != 0) {
    return fail(Kind::kIo, "{}", zip_strerror(archive));
  }
  return {};
}

}  // namespace

Result<std::vector<NamedTensor>> parse_npz(Bytes file, uint64_t max_bytes) {
  TRY(archive, open_archive(file));
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  if (count > kMaxEntries) return invalid("{} entries, at most {} are read", count, kMaxEntries);
  std::vector<NamedTensor> arrays;
  std::set<std::string> names;
  uint64_t bytes_left = max_bytes;
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* raw = zip_get_name(archive.get(), index, 0);
    if (raw == nullptr) return invalid("entry {} has no name", i);
    std::string name = raw;
    const std::string context = fmt::format("entry '{}'", printable(name));
    if (!name.ends_with(kSuffix)) return invalid("{}: not an .npy", context);
    name.resize(name.size() - kSuffix.size());
    TRY_OK(check_name(name, names));
    auto stat = check_entry(archive.get(), index, file.size(), bytes_left);
    if (!stat) return with_context(stat.error(), context);
    bytes_left -= stat->size;
    auto tensor = read_entry(archive.get(), *stat);
    if (!tensor) return with_context(tensor.error(), context);
    arrays.push_back({std::move(name), std::move(*tensor)});
  }
  return arrays;
}

Result<std::vector<NamedTensor>> read_npz(const fs::path& path, uint64_t max_bytes) {
  TRY(file, MappedFile::open(path));
  auto arrays = parse_npz(file->bytes(), max_bytes);
  if (!arrays) {
    return with_context(arrays.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  return arrays;
}

Result<> write_npz(const fs::path& path, std::span<const NamedTensor> arrays) {
  // libzip would delete the file instead of writing an archive without entries.
  if (arrays.empty()) return invalid("an .npz file holds at least one array, got none");
  std::set<std::string> names;
  std::vector<std::string> headers;  // libzip reads them when the archive is closed
  for (const NamedTensor& array : arrays) {
    TRY_OK(check_name(array.name, names));
    auto header = npy_header(array.tensor.view());
    if (!header) {
      return with_context(header.error(), fmt::format("array '{}'", printable(array.name)));
    }
    headers.push_back(std::move(*header));
  }
  const std::string shown = printable(path.string(), 400);
  // It would be replaced by a file, not written to.
  if (is_special_file(path)) {
    return fail(Kind::kIo, "can't write '{}': an .npz must be a regular file", shown);
  }
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) return fail(Kind::kIo, "can't write '{}': {}", shown, ZipError(code).text());
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (auto added = add_array(archive.get(), arrays[i], headers[i]); !added) {
      return with_context(added.error(), fmt::format("can't write '{}'", shown));
    }
  }
  // zip_close() writes a temporary file beside the path and renames it; it frees on success only.
  if (zip_close(archive.get()) != 0) {
    return fail(Kind::kIo, "can't write '{}': {}", shown, zip_strerror(archive.get()));
  }
  static_cast<void>(archive.release());
  return {};
}

}  // namespace cloister
