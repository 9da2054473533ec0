#include "tests/engine/onnx_backend.h"

#include <algorithm>
#include <cmath>

#include "graph/onnx.h"
#include "graph/weights.h"
#include "tensor/convert.h"

namespace cloister::test {
namespace {

constexpr double kRelative = 1e-3;
constexpr double kAbsolute = 1e-7;

Result<Tensor> read_tensor(const fs::path& path) {
  TRY(bytes, read_file(path));
  onnx::TensorProto proto;
  // A sequence or an optional has other fields where a tensor has its type.
  if (!proto.ParsePartialFromString(bytes) || proto.data_type() == 0) {
    return fail(Kind::kUnsupported, "{} is not a tensor", path.filename().string());
  }
  ExternalFiles files(path.parent_path());
  auto value = tensor_value(proto, files);
  if (!value) return with_context(value.error(), path.filename().string());
  return value;
}

// PREFIX_0.pb, PREFIX_1.pb, ...
Result<std::vector<Tensor>> read_tensors(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const fs::path path = folder / fmt::format("{}_{}.pb", prefix, i);
    if (!fs::exists(path)) return tensors;
    TRY(tensor, read_tensor(path));
    tensors.push_back(std::move(tensor));
  }
}

bool is_close(double got, double want) {
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want);
  if (std::isinf(got) || std::isinf(want)) return got == want;
  return std::abs(got - want) <= kAbsolute + kRelative * std::abs(want);
}

template <typename Stored, typename Convert>
Result<> floats_close(const Tensor& got, const Tensor& want, Convert convert) {
  for (size_t i = 0; i < got.as<Stored>().size(); ++i) {
    const double a = convert(got.as<Stored>()[i]);
    const double b = convert(want.as<Stored>()[i]);
    if (!is_close(a, b)) return invalid("element {}: got {:.6g}, want {:.6g}", i, a, b);
  }
  return {};
}

Result<> close_to(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape()) {
    return invalid("got {}{}, want {}{}", dtype_name(got.dtype()), shape_text(got.shape()),
                   dtype_name(want.dtype()), shape_text(want.shape()));
  }
  switch (want.dtype()) {
    case DType::kF32:
      return floats_close<float>(got, want, [](float x) { return x; });
    case DType::kF64:
      return floats_close<double>(got, want, [](double x) { return x; });
    case DType::kF16:
      return floats_close<uint16_t>(got, want, half_to_float);
    case DType::kBF16:
      return floats_close<uint16_t>(got, want, bfloat16_to_float);
    default:
      break;
  }
  const auto [a, b] = std::ranges::mismatch(got.data(), want.data());
  if (a == got.data().end()) return {};
  return invalid("byte {}: got {}, want {}", a - got.data().begin(), static_cast<int>(*a),
                 static_cast<int>(*b));
}

}  // namespace

std::vector<std::string> backend_cases(const fs::path& root) {
  std::vector<std::string> cases;
  for (const auto& group : fs::directory_iterator(root)) {
    for (const auto& folder : fs::directory_iterator(group.path())) {
      if (!fs::exists(folder.path() / "model.onnx")) continue;
      cases.push_back(group.path().filename() / folder.path().filename());
    }
  }
  std::ranges::sort(cases);
  return cases;
}

Result<std::vector<DataSet>> read_data_sets(const fs::path& folder) {
  std::vector<DataSet> sets;
  for (int i = 0;; ++i) {
    const fs::path set = folder / fmt::format("test_data_set_{}", i);
    if (!fs::exists(set)) return sets;
    TRY(inputs, read_tensors(set, "input"));
    TRY(outputs, read_tensors(set, "output"));
    sets.push_back({std::move(inputs), std::move(outputs)});
  }
}

Result<> close_to(const std::vector<Tensor>& got, const std::vector<Tensor>& want) {
  if (got.size() != want.size()) return invalid("got {} outputs, want {}", got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const auto close = close_to(got[i], want[i]);
    if (!close) return with_context(close.error(), fmt::format("output {}", i));
  }
  return {};
}

}  // namespace cloister::test
