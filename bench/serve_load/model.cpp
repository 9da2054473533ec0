#include "bench/serve_load/model.h"

#include <algorithm>

#include "engine/probe.h"
#include "engine/random_inputs.h"

namespace cloister::bench {
namespace {

// Random pictures look alike to most networks: each gets contrast and brightness of its own.
void set_apart(Tensor& tensor, size_t number) {
  if (tensor.dtype() != DType::kF32) return;
  const float scale = 0.25F + 0.25F * static_cast<float>(number % 7);
  const float shift = 0.5F * static_cast<float>(number % 5) - 1;
  for (float& value : tensor.mutable_as<float>()) value = value * scale + shift;
}

}  // namespace

Result<OpenedModel> open_model(const std::string& path) {
  TRY(model, read_model(path));
  TRY(graph, build_graph(std::move(model)));
  TRY_OK(infer_types(graph, onnxruntime_probe()));
  CutList cuts = list_cuts(graph);
  return OpenedModel{std::move(graph), std::move(cuts)};
}

Result<std::vector<Case>> make_cases(const LoadedModel& whole, size_t count, int64_t batch,
                                     uint64_t seed, double tolerance) {
  std::vector<Case> cases;
  for (size_t i = 0; i < count; ++i) {
    TRY(inputs, random_inputs(whole.segments[0]->inputs(), batch, seed + i));
    for (NamedTensor& input : inputs) set_apart(input.tensor, i);
    TRY(expected, whole.run(inputs));
    for (const Case& other : cases) {
      if (is_right(expected, other.expected, 10 * tolerance)) {
        return invalid("two of the inputs have answers closer than {}", 10 * tolerance);
      }
    }
    cases.push_back({std::move(inputs), std::move(expected)});
  }
  return cases;
}

bool is_right(const std::vector<NamedTensor>& got, const std::vector<NamedTensor>& want,
              double tolerance) {
  return std::ranges::all_of(want, [&](const NamedTensor& wanted) {
    const auto found = std::ranges::find(got, wanted.name, &NamedTensor::name);
    if (found == got.end()) return false;
    const auto difference = compare(found->tensor.view(), wanted.tensor.view());
    return difference && difference->relative() <= tolerance;
  });
}

}  // namespace cloister::bench
