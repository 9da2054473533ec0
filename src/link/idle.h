// Connections that were answered on, for later calls.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace cloister {

// Thread-safe.
template <typename Connection>
class Idle {
 public:
  // The one that was kept last and that `good` says is; what is not is closed. Null: none is.
  template <typename Predicate>
  std::unique_ptr<Connection> take(Predicate good) {
    const std::scoped_lock lock(mutex_);
    while (!kept_.empty()) {
      auto connection = std::move(kept_.back());
      kept_.pop_back();
      if (good(*connection)) return connection;
    }
    return nullptr;
  }
  void keep(std::unique_ptr<Connection> connection) {
    const std::scoped_lock lock(mutex_);
    kept_.push_back(std::move(connection));
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    kept_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> kept_;
};

}  // namespace cloister
