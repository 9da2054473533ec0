#include "graph/zoo/zoo.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "graph/onnx.h"
#include "graph/zoo/models.h"

namespace cloister {
namespace {

constexpr const ZooEntry* kEntries[] = {
    &zoo::kVgg16,            //
    &zoo::kResnet50,         //
    &zoo::kEfficientnetB0,   //
    &zoo::kMobilenetV2,      //
    &zoo::kTinyTransformer,  //
    &zoo::kMlp,              //
    &zoo::kCnn1d,            //
    &zoo::kSmallCnn,         //
};

// Wide enough for what a table can be; narrower than what makes a weight too large for a file.
constexpr int64_t kMaxSize = 65'536;

Result<int64_t> size_of(const ZooEntry& entry, std::string_view what, int64_t ZooSizes::*which,
                        int64_t wanted, int64_t smallest) {
  if (wanted == 0) return entry.sizes.*which;
  if (entry.sizes.*which == 0) {
    std::vector<std::string_view> others;
    for (const ZooEntry* other : kEntries) {
      if (other->sizes.*which != 0) others.push_back(other->name);
    }
    return fail(Kind::kUsage, "'{}' has a fixed number of {}; it can be chosen for {}", entry.name,
                what, fmt::join(others, ", "));
  }
  if (wanted < smallest || wanted > kMaxSize) {
    return fail(Kind::kUsage, "{} {}, want {} to {}", wanted, what, smallest, kMaxSize);
  }
  return wanted;
}

}  // namespace

std::span<const ZooEntry* const> zoo_entries() {
  return kEntries;
}

Result<const ZooEntry*> find_zoo_entry(std::string_view name) {
  const auto found = std::ranges::find(kEntries, name, &ZooEntry::name);
  if (found != std::end(kEntries)) return *found;
  std::vector<std::string_view> names;
  std::ranges::transform(kEntries, std::back_inserter(names), &ZooEntry::name);
  return fail(Kind::kNotFound, "no model '{}' in the zoo; want one of {}", printable(name),
              fmt::join(names, ", "));
}

Result<onnx::ModelProto> make_zoo_model(std::string_view name, uint64_t seed,
                                        const ZooSizes& sizes) {
  TRY(entry, find_zoo_entry(name));
  // Two poolings leave nothing of fewer.
  TRY(features, size_of(*entry, "features", &ZooSizes::features, sizes.features, 4));
  TRY(classes, size_of(*entry, "classes", &ZooSizes::classes, sizes.classes, 2));
  return entry->make(seed, {features, classes});
}

Result<Model> zoo_model(std::string_view name, uint64_t seed, const ZooSizes& sizes) {
  TRY(proto, make_zoo_model(name, seed, sizes));
  return make_model(std::move(proto));
}

}  // namespace cloister
