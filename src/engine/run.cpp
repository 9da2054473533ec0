#include "engine/run.h"

#include <unordered_map>

namespace cloister {

Result<std::vector<NamedTensor>> run_segments(const std::vector<std::unique_ptr<Program>>& segments,
                                              const std::vector<NamedTensor>& inputs,
                                              const std::vector<std::string>& outputs) {
  std::unordered_map<std::string, Tensor> known;
  for (const NamedTensor& input : inputs) {
    if (!known.emplace(input.name, input.tensor).second) {
      return invalid("input '{}' is given twice", printable(input.name));
    }
  }
  for (size_t i = 0; i < segments.size(); ++i) {
    std::vector<TensorView> views;
    for (const TensorSpec& spec : segments[i]->inputs()) {
      const auto tensor = known.find(spec.name);
      if (tensor == known.end() && segments.size() == 1) {
        return invalid("input '{}' is missing", printable(spec.name));
      }
      if (tensor == known.end()) {
        return invalid(
            "segment {} needs '{}', which is neither a given input nor an earlier segment's output",
            i + 1, printable(spec.name));
      }
      views.push_back(tensor->second.view());
    }
    auto results = segments[i]->run(views);
    // One segment is the model itself.
    if (!results && segments.size() == 1) return std::unexpected(results.error());
    if (!results) return with_context(results.error(), fmt::format("segment {}", i + 1));
    const std::vector<TensorSpec>& specs = segments[i]->outputs();
    for (size_t k = 0; k < specs.size(); ++k) {
      known.insert_or_assign(specs[k].name, std::move((*results)[k]));
    }
  }
  std::vector<NamedTensor> wanted;
  for (const std::string& name : outputs) {
    const auto tensor = known.find(name);
    if (tensor == known.end()) return invalid("no segment outputs '{}'", printable(name));
    wanted.push_back({name, tensor->second});
  }
  return wanted;
}

}  // namespace cloister
