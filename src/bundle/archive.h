// The ZIP that a bundle is: stored entries only.
#pragma once

#include "base/file.h"
#include "bundle/age.h"

namespace cloister::bundle {

// An archive that is open for reading. Nothing that it says is believed but names and sizes, and
// those are checked; whoever reads an entry checks its digest. Copies share it. Thread-safe.
class Archive {
 public:
  struct Item {
    std::string name;
    uint64_t bytes = 0;
  };

  // kInvalid for what is no ZIP, more than a few entries, and for entries that are there twice,
  // compressed, encrypted by the ZIP, or larger than the file.
  static Result<Archive> open(const fs::path& path);

  const std::vector<Item>& items() const;

  // The entry's bytes, never more than Item::bytes. kNotFound. The source keeps the archive open.
  Result<age::Source> source(std::string_view name) const;
  // All of them. kInvalid when there are more than `max_bytes` or the file is cut short.
  Result<std::string> read(std::string_view name, uint64_t max_bytes) const;

 private:
  struct State;
  explicit Archive(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace cloister::bundle
