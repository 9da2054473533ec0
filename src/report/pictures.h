#pragma once

#include "base/file.h"

namespace cloister::report {

// The pictures of one page, as data: URIs. Not thread-safe.
class Pictures {
 public:
  // Paths are those of a record in `folder`.
  explicit Pictures(fs::path folder) : folder_(std::move(folder)) {}

  // An <img> of the PNG file, `alt` being plain text; a note in its place where the file is not
  // there. kRefused for a path that leads out of the folder, kInvalid for another kind of file or
  // one that is too large: 1 MiB and 2048 pixels a side, 64 MiB for all of the page.
  Result<std::string> image(const std::string& path, const std::string& alt);

 private:
  fs::path folder_;
  uint64_t bytes_ = 0;
};

}  // namespace cloister::report
