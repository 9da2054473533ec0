#include "bundle/archive.h"

#include <algorithm>
#include <mutex>

#include "base/checked.h"
#include "bundle/zip_handle.h"

namespace cloister::bundle {
namespace {

constexpr zip_int64_t kMostZipEntries = 32;

struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

std::string open_error(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

Result<uint64_t> stored_bytes(zip_t* archive, zip_uint64_t index, uint64_t file_bytes) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive, index, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
    return invalid("damaged: {}", zip_strerror(archive));
  }
  if (stat.encryption_method != ZIP_EM_NONE) return invalid("is encrypted by the ZIP");
  if (stat.comp_method != ZIP_CM_STORE) {
    return invalid("compression method {}, want 0 (stored)", stat.comp_method);
  }
  if (stat.comp_size != stat.size || stat.size > file_bytes) {
    return invalid("{} bytes stored in {}, in a file of {}", stat.size, stat.comp_size, file_bytes);
  }
  return stat.size;
}

}  // namespace

struct Archive::State {
  std::mutex mutex;  // libzip has none
  ZipHandle zip;
  std::vector<Item> items;

  Result<> list(uint64_t file_bytes) {
    const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
    if (count > kMostZipEntries)
      return invalid("{} entries, want at most {}", count, kMostZipEntries);
    uint64_t total = 0;
    for (zip_int64_t i = 0; i < count; ++i) {
      const auto index = static_cast<zip_uint64_t>(i);
      const char* name = zip_get_name(zip.get(), index, ZIP_FL_ENC_RAW);
      if (name == nullptr) return invalid("entry {} has no name", i);
      const std::string context = fmt::format("entry '{}'", printable(name, 60));
      if (std::ranges::find(items, name, &Item::name) != items.end()) {
        return invalid("{} occurs twice", context);
      }
      const auto bytes = stored_bytes(zip.get(), index, file_bytes);
      if (!bytes) return with_context(bytes.error(), context);
      items.push_back({name, *bytes});
      total = saturating_add(total, *bytes);
    }
    // Entries that share bytes would be read more often than they cost to send.
    if (total > file_bytes) return invalid("entries of {} bytes in {}", total, file_bytes);
    return {};
  }
};

namespace {

// An entry as it is read. Closed under the lock, as everything else.
class OpenEntry {
 public:
  OpenEntry(std::shared_ptr<void> state, std::mutex& mutex, zip_file_t* file, uint64_t bytes)
      : state_(std::move(state)), mutex_(mutex), file_(file), left_(bytes) {}
  ~OpenEntry() {
    const std::scoped_lock lock(mutex_);
    file_.reset();
  }
  OpenEntry(const OpenEntry&) = delete;
  OpenEntry& operator=(const OpenEntry&) = delete;

  Result<size_t> read(MutableBytes out) {
    const std::scoped_lock lock(mutex_);
    size_t done = 0;
    const size_t want = std::min<uint64_t>(out.size(), left_);
    while (done < want) {
      const zip_int64_t got = zip_fread(file_.get(), out.data() + done, want - done);
      if (got < 0) return invalid("damaged: {}", zip_file_strerror(file_.get()));
      if (got == 0) return invalid("truncated: {} bytes are missing", left_ - done);
      done += static_cast<size_t>(got);
    }
    left_ -= done;
    return done;
  }

 private:
  std::shared_ptr<void> state_;  // outlives the lock and the file
  std::mutex& mutex_;
  std::unique_ptr<zip_file_t, CloseEntry> file_;
  uint64_t left_;
};

}  // namespace

Result<Archive> Archive::open(const fs::path& path) {
  const std::string shown = printable(path.string(), 400);
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) return fail(Kind::kNotFound, "no file '{}'", shown);
  if (!fs::is_regular_file(status)) return fail(Kind::kIo, "'{}' is not a regular file", shown);
  const uint64_t file_bytes = fs::file_size(path, code);
  if (code) return fail(Kind::kIo, "can't read '{}': {}", shown, code.message());
  auto state = std::make_shared<State>();
  int error = 0;
  state->zip.reset(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (!state->zip) return invalid("'{}' is not a bundle: {}", shown, open_error(error));
  if (auto listed = state->list(file_bytes); !listed) {
    return with_context(listed.error(), fmt::format("'{}'", shown));
  }
  return Archive(std::move(state));
}

const std::vector<Archive::Item>& Archive::items() const {
  return state_->items;
}

Result<age::Source> Archive::source(std::string_view name) const {
  const auto found = std::ranges::find(state_->items, name, &Item::name);
  if (found == state_->items.end()) {
    return fail(Kind::kNotFound, "no entry '{}'", printable(name, 60));
  }
  const std::scoped_lock lock(state_->mutex);
  zip_file_t* file = zip_fopen_index(state_->zip.get(),
                                     static_cast<zip_uint64_t>(found - state_->items.begin()), 0);
  if (file == nullptr) return invalid("damaged: {}", zip_strerror(state_->zip.get()));
  const auto entry = std::make_shared<OpenEntry>(state_, state_->mutex, file, found->bytes);
  return [entry](MutableBytes out) { return entry->read(out); };
}

Result<std::string> Archive::read(std::string_view name, uint64_t max_bytes) const {
  TRY(from, source(name));
  const uint64_t bytes = std::ranges::find(items(), name, &Item::name)->bytes;
  if (bytes > max_bytes) {
    return invalid("entry '{}' has {} bytes, want at most {}", name, bytes, max_bytes);
  }
  std::string content(bytes, '\0');
  auto got = from({reinterpret_cast<std::byte*>(content.data()), content.size()});
  if (!got) return with_context(got.error(), fmt::format("entry '{}'", name));
  return content;
}

}  // namespace cloister::bundle
