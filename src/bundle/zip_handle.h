// libzip's archives, closed without writing anything back.
#pragma once

#include <zip.h>

#include <memory>

namespace cloister::bundle {

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};

using ZipHandle = std::unique_ptr<zip_t, DiscardArchive>;

}  // namespace cloister::bundle
