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
};

}  // namespace

std::span<const ZooEntry* const> zoo_entries() {
  return kEntries;
}

Result<const ZooEntry*> find_zoo_entry(std::string_view name) {
  const auto found = std::ranges::find(kEntries, name, &ZooEntry::name);
  if (found != std::end(kEntries)) return *found;
  std::vector<std::string_view> names;
  std::ranges::transform(kEntries, std::back_inserter(names), &ZooEntry::name);
  return fail(Kind::kNotFound, "no model '{}' in the zoo; there are {}", printable(name),
              fmt::join(names, ", "));
}

Result<onnx::ModelProto> make_zoo_model(std::string_view name, uint64_t seed) {
  TRY(entry, find_zoo_entry(name));
  return entry->make(seed);
}

Result<Model> zoo_model(std::string_view name, uint64_t seed) {
  TRY(proto, make_zoo_model(name, seed));
  return make_model(std::move(proto));
}

}  // namespace cloister
