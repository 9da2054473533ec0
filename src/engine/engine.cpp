#include "engine/engine.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace cloister {
namespace {

std::string port_names(const std::vector<Port>& ports) {
  std::vector<std::string> names;
  for (const Port& port : ports) names.push_back("'" + printable(port.name) + "'");
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string port_shape(const Port& port) {
  if (port.dims.empty()) return "[]";
  std::vector<std::string> dims;
  for (const int64_t dim : port.dims) dims.push_back(dim < 0 ? "?" : std::to_string(dim));
  return fmt::format("[{}]", fmt::join(dims, ","));
}

bool fits(const Port& port, const Shape& shape) {
  if (port.dims.empty()) return true;
  return std::ranges::equal(port.dims, shape,
                            [](int64_t want, int64_t got) { return want < 0 || want == got; });
}

}  // namespace

Result<> check_inputs(const std::vector<Port>& ports, const std::vector<TensorView>& inputs) {
  if (inputs.size() != ports.size()) {
    return invalid("got {} inputs, want {}: {}", inputs.size(), ports.size(), port_names(ports));
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    const Port& port = ports[i];
    const TensorView& input = inputs[i];
    if (input.dtype != port.dtype || !fits(port, input.shape)) {
      return invalid("input '{}': got {}{}, want {}{}", printable(port.name),
                     dtype_name(input.dtype), shape_text(input.shape), dtype_name(port.dtype),
                     port_shape(port));
    }
    TRY(size, byte_count(input.dtype, input.shape));
    if (input.data.size() != size) {
      return invalid("input '{}': got {} bytes, want {}", printable(port.name), input.data.size(),
                     size);
    }
  }
  return {};
}

Result<std::vector<TensorView>> order_inputs(const std::vector<Port>& ports,
                                             const std::vector<NamedTensor>& named) {
  std::set<std::string> given;
  for (const NamedTensor& tensor : named) {
    if (std::ranges::find(ports, tensor.name, &Port::name) == ports.end()) {
      return invalid("no input '{}'; the model has {}", printable(tensor.name), port_names(ports));
    }
    if (!given.insert(tensor.name).second) {
      return invalid("input '{}' is given twice", printable(tensor.name));
    }
  }
  std::vector<TensorView> ordered;
  for (const Port& port : ports) {
    const auto tensor = std::ranges::find(named, port.name, &NamedTensor::name);
    if (tensor == named.end()) {
      return invalid("input '{}' ({}{}) is missing", printable(port.name), dtype_name(port.dtype),
                     port_shape(port));
    }
    ordered.push_back(tensor->tensor.view());
  }
  return ordered;
}

}  // namespace cloister
