#pragma once

#include <string>

#include "base/file.h"

namespace cloister {

// A folder for temporary files, removed with what is in it.
class Scratch {
 public:
  // "NAME-XXXXXX" in the system's folder for such things.
  static Result<Scratch> make(const std::string& name);
  ~Scratch();
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;

  const fs::path& path() const { return path_; }

 private:
  explicit Scratch(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

}  // namespace cloister
