#include "engine/segments.h"

#include <algorithm>

namespace cloister {

Result<LoadedModel> load_cut_model(Engine& engine, const Graph& graph,
                                   const std::vector<Cut>& cuts) {
  LoadedModel loaded;
  for (const ValueId id : graph.outputs) loaded.outputs.push_back(graph.values[id].name);
  std::vector<Model> models = {graph.model};
  if (!cuts.empty()) {
    TRY(segments, split(graph, cuts));
    models = std::move(segments);
  }
  for (const Model& model : models) {
    TRY(program, engine.load(to_segment(model)));
    loaded.segments.push_back(std::move(program));
  }
  return loaded;
}

Result<Difference> compare_outputs(const std::vector<NamedTensor>& outputs,
                                   const std::vector<NamedTensor>& reference) {
  if (outputs.size() != reference.size()) {
    return invalid("got {} outputs, want {}", outputs.size(), reference.size());
  }
  Difference worst{.identical = true};
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto difference = compare(outputs[i].tensor.view(), reference[i].tensor.view());
    if (!difference) {
      return with_context(difference.error(), "output '" + printable(reference[i].name) + "'");
    }
    worst.identical = worst.identical && difference->identical;
    worst.max_abs = std::max(worst.max_abs, difference->max_abs);
    worst.max_magnitude = std::max(worst.max_magnitude, difference->max_magnitude);
  }
  return worst;
}

}  // namespace cloister
