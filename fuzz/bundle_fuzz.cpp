// Bundle::open and all that reads it, on a file that may be hostile, its signature not checked; and
// manifests, which are written and read unchanged. The input is a bundle, or a manifest.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "bundle/bundle.h"

using namespace cloister;

namespace {

constexpr const char* kSecret =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

void read_all(const fs::path& path) {
  static const auto* const kIdentities =
      new std::vector<age::Identity>(*age::parse_identities(kSecret));
  const auto bundle = bundle::Bundle::open(path, {}, 0);
  if (!bundle) return;
  for (const bundle::Entry& entry : bundle->manifest().entries) {
    const bool good = bundle->check(entry.name).has_value();
    const auto read = bundle->read(entry.name);
    if (read && (!good || read->size() != entry.bytes)) std::abort();
  }
  for (const SegmentInfo& info : bundle->manifest().segments) {
    (void)bundle->segment(info.name, *kIdentities);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = bundle::parse_manifest(text)) {
    const std::string written = bundle::manifest_json(*manifest);
    const auto again = bundle::parse_manifest(written);
    if (!again || bundle::manifest_json(*again) != written) std::abort();
  }
  // libzip opens paths.
  static const int kFile = ::memfd_create("bundle", 0);
  static const std::string kPath = "/proc/self/fd/" + std::to_string(kFile);
  if (::ftruncate(kFile, 0) != 0 || ::pwrite(kFile, data, size, 0) != static_cast<ssize_t>(size)) {
    return 0;
  }
  read_all(kPath);
  return 0;
}
