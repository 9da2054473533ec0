// Makes the ZIP of a bundle. In the tool only.
#pragma once

#include "base/file.h"
#include "bundle/age.h"
#include "bundle/manifest.h"

namespace cloister::bundle {

// Collects entries in a folder beside the output, exactly as they will be stored (so nothing that
// is to be encrypted is ever in it in the clear), then makes the archive of them. Constant memory.
class ArchiveWriter {
 public:
  // Hands the entry's bytes to a sink.
  using Write = std::function<Result<>(const age::Sink&)>;

  static Result<ArchiveWriter> start(const fs::path& output);
  ~ArchiveWriter();
  ArchiveWriter(ArchiveWriter&&) noexcept;

  Result<Entry> add(const std::string& name, const Write& write);
  Result<Entry> add(const std::string& name, std::string_view content);
  Result<Entry> add_encrypted(const std::string& name, const std::vector<age::Recipient>& to,
                              const Write& write);

  // The archive with its entries in this order; the output is replaced. Everything must have been
  // added.
  Result<> finish(const std::vector<std::string>& order);

 private:
  struct Folder;
  ArchiveWriter(fs::path output, std::unique_ptr<Folder> folder);

  fs::path output_;
  std::unique_ptr<Folder> folder_;
};

}  // namespace cloister::bundle
