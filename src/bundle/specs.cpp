#include "bundle/specs.h"

#include <algorithm>

#include "base/parse_number.h"
#include "graph/onnx.h"
#include "record/fields.h"

namespace cloister::bundle {
namespace {

Result<TensorSpec> spec_of(const Value& value) {
  const std::string shown = printable(value.name);
  if (!value.type.dtype || !value.type.dims) {
    return fail(Kind::kUnsupported, "the type of '{}' is not known", shown);
  }
  if (!is_portable(*value.type.dtype)) {
    return fail(Kind::kUnsupported, "'{}' is {}, which can't be sent", shown,
                dtype_name(*value.type.dtype));
  }
  TensorSpec spec{.name = value.name, .dtype = *value.type.dtype};
  for (const Dim& dim : *value.type.dims) spec.dims.push_back(dim.times_batch ? -1 : dim.size);
  return spec;
}

Result<std::vector<TensorSpec>> specs_of(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<TensorSpec> specs;
  for (const ValueId id : ids) {
    TRY(spec, spec_of(graph.values[id]));
    specs.push_back(std::move(spec));
  }
  return specs;
}

// Those that have a default are no inputs to us.
std::vector<ValueId> real_inputs(const Graph& graph) {
  std::vector<ValueId> ids;
  for (const ValueId id : graph.inputs) {
    if (graph.values[id].is_input) ids.push_back(id);
  }
  return ids;
}

template <typename Infos>
std::vector<ValueId> ids_of(const Graph& graph, const Infos& infos, bool inputs) {
  std::vector<ValueId> ids;
  for (const auto& info : infos) {
    const ValueId id = graph.ids.at(info.name());
    if (!inputs || !graph.values[id].is_constant) ids.push_back(id);
  }
  return ids;
}

bool is_batch_first(const Value& value) {
  const auto& dims = value.type.dims;
  return dims && !dims->empty() && dims->front() == Dim{1, true};
}

}  // namespace

Result<std::vector<TensorSpec>> input_specs(const Graph& graph) {
  return specs_of(graph, real_inputs(graph));
}

Result<std::vector<TensorSpec>> output_specs(const Graph& graph) {
  return specs_of(graph, graph.outputs);
}

Result<TensorSpecs> segment_specs(const Graph& graph, const Model& model) {
  TRY(inputs, specs_of(graph, ids_of(graph, model.proto->graph().input(), true)));
  TRY(outputs, specs_of(graph, ids_of(graph, model.proto->graph().output(), false)));
  return TensorSpecs{std::move(inputs), std::move(outputs)};
}

Result<DimBound> parse_dim_bound(std::string_view text) {
  const size_t equals = text.rfind("]=");
  const size_t bracket = equals == text.npos ? text.npos : text.rfind('[', equals);
  if (bracket != text.npos && bracket > 0) {
    const auto axis = parse_number<size_t>(text.substr(bracket + 1, equals - bracket - 1));
    const auto most = parse_number<int64_t>(text.substr(equals + 2));
    if (axis && most && *most >= 1 && *most <= kMaxDimension) {
      return DimBound{std::string(text.substr(0, bracket)), *axis, *most};
    }
  }
  return invalid("'{}': want INPUT[AXIS]=N, such as ids[1]=512", printable(text, 100));
}

Result<> set_bounds(const std::vector<DimBound>& bounds, int64_t otherwise, int64_t max_batch,
                    std::vector<TensorSpec>& inputs) {
  for (const DimBound& bound : bounds) {
    const std::string shown = fmt::format("{}[{}]", printable(bound.input), bound.axis);
    const auto spec = std::ranges::find(inputs, bound.input, &TensorSpec::name);
    if (spec == inputs.end()) {
      return invalid("'{}': no such input; the model has {}", shown, spec_names(inputs));
    }
    if (bound.axis >= spec->dims.size() || spec->dims[bound.axis] >= 0) {
      return invalid("'{}' is not free: the input is {}", shown, spec_text(*spec));
    }
    if (max_batch > 1 && bound.axis == 0) {
      return invalid("'{}' is the batch, which has a bound of its own: {}", shown, max_batch);
    }
    if (spec->bound(bound.axis)) return invalid("'{}' has two bounds", shown);
    spec->most.resize(spec->dims.size(), -1);
    spec->most[bound.axis] = bound.most;
  }
  for (TensorSpec& spec : inputs) {
    for (size_t axis = max_batch > 1 ? 1 : 0; axis < spec.dims.size(); ++axis) {
      if (spec.dims[axis] >= 0 || spec.bound(axis)) continue;
      spec.most.resize(spec.dims.size(), -1);
      spec.most[axis] = otherwise;
    }
  }
  return {};
}

std::optional<std::string> why_no_batch(const Graph& graph, const std::vector<Cut>& cuts) {
  std::vector<ValueId> ids = real_inputs(graph);
  ids.insert(ids.end(), graph.outputs.begin(), graph.outputs.end());
  for (const Cut& cut : cuts) {
    ids.insert(ids.end(), cut.tensors.begin(), cut.tensors.end());
    ids.insert(ids.end(), cut.shape_tensors.begin(), cut.shape_tensors.end());
  }
  for (const ValueId id : ids) {
    const Value& value = graph.values[id];
    if (is_batch_first(value)) continue;
    return fmt::format("'{}' is {}, whose first dimension is not the batch", printable(value.name),
                       value.type.text());
  }
  return std::nullopt;
}

}  // namespace cloister::bundle
