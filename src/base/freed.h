#pragma once

#include <memory>

namespace cloister {

// Handles of C libraries that free themselves: std::unique_ptr<X509, Freed<X509_free>>.
template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* handle) const {
    kFree(handle);
  }
};

}  // namespace cloister
