#include "attest/produce/endorsed.h"

#include <algorithm>
#include <utility>

#include "attest/produce/system_file.h"

namespace cloister::attest {
namespace {

constexpr size_t kMaxFiles = 64;

// Names that begin with a dot are left alone: editors, and Kubernetes with what it mounts, keep
// things of their own there. The rest in order, so that errors are the same each time.
Result<std::vector<fs::path>> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) continue;
    if (files.size() == kMaxFiles) return invalid("more than {} files", kMaxFiles);
    files.push_back(it->path());
  }
  if (error) {
    return fail(error == std::errc::no_such_file_or_directory ? Kind::kNotFound : Kind::kIo,
                "can't list it: {}", error.message());
  }
  std::ranges::sort(files);
  return files;
}

// A name that the kind of evidence does not know is an error, since it is more likely misspelt than
// meant for nothing.
Result<Endorsements> read_endorsements(const fs::path& folder, EvidenceKind kind) {
  TRY(files, files_of(folder));
  Endorsements all;
  for (const fs::path& file : files) {
    all.blobs.push_back({file.stem().string(), {}});
    TRY_OK(check_form({.kind = kind}, all));
    TRY(text, read_file(file, kMaxEndorsementBytes));
    const Bytes bytes = as_bytes(text);
    all.blobs.back().bytes.assign(bytes.begin(), bytes.end());
    TRY_OK(check_form({.kind = kind}, all));
  }
  return all;
}

class Endorsed : public Attester {
 public:
  Endorsed(std::unique_ptr<Attester> producer, fs::path folder)
      : producer_(std::move(producer)), folder_(std::move(folder)) {}

  EvidenceKind kind() const override { return producer_->kind(); }
  std::string source() const override { return producer_->source(); }

  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    auto shown = producer_->produce(report_data);
    if (!shown) {
      // It was there when the server started: a driver that is loaded again brings it back.
      Error error = shown.error();
      if (error.kind == Kind::kNotFound) error.kind = Kind::kUnavailable;
      return with_context(std::move(error), producer_->source());
    }
    if (!folder_.empty()) TRY_OK(add(shown->endorsements));
    const auto formed = check_form(shown->evidence, shown->endorsements);
    if (!formed) return with_context(formed.error(), producer_->source());
    return shown;
  }

  Result<> add(Endorsements& endorsements) const {
    auto read = read_endorsements(folder_, kind());
    if (!read) {
      return with_context(read.error(),
                          fmt::format("endorsements in '{}'", printable(folder_.string(), 400)));
    }
    for (Blob& blob : read->blobs) {
      const auto same = std::ranges::find(endorsements.blobs, blob.name, &Blob::name);
      if (same == endorsements.blobs.end()) endorsements.blobs.push_back(std::move(blob));
    }
    return {};
  }

 private:
  const std::unique_ptr<Attester> producer_;
  const fs::path folder_;
};

}  // namespace

Result<std::unique_ptr<Attester>> with_endorsements(std::unique_ptr<Attester> producer,
                                                    const fs::path& folder) {
  auto endorsed = std::make_unique<Endorsed>(std::move(producer), folder);
  Endorsements none;
  if (!folder.empty()) TRY_OK(endorsed->add(none));
  return endorsed;
}

}  // namespace cloister::attest
