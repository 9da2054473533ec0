#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"

namespace cloister {

// Another program of Cloister, in the folder of this one.
fs::path program_beside(const std::string& name);

// A server started beside this program: it says on stdout, in one line of JSON, where it listens.
// Stopped (SIGTERM) and waited for at the end. Not thread-safe.
class Background {
 public:
  // Waits for that line. Its log goes to `log` in `folder`. kIo when it ends without one.
  static Result<Background> start(const fs::path& program,
                                  const std::vector<std::string>& arguments, const fs::path& folder,
                                  const std::string& log);
  ~Background();
  Background(Background&&) noexcept;

  const nlohmann::json& said() const { return said_; }
  int port() const { return said_.at("port").get<int>(); }

 private:
  struct Child;
  Background(std::unique_ptr<Child> child, nlohmann::json said);

  std::unique_ptr<Child> child_;
  nlohmann::json said_;
};

}  // namespace cloister
