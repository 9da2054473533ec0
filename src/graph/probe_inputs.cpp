#include "graph/probe_inputs.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace cloister {
namespace {

constexpr uint64_t kSeed = 20'260;
constexpr int64_t kFreeSize = 8;
constexpr uint64_t kMostElements = 1 << 24;
constexpr size_t kMostGroups = 12;
constexpr size_t kMostDigits = 10;
// With fewer elements in a channel, trading places might leave most as they were.
constexpr size_t kFewestToTrade = 16;

using Random = std::mt19937_64;

bool is_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kF16 ||
         dtype == DType::kBF16;
}

bool is_integer(DType dtype) {
  return (dtype >= DType::kU8 && dtype <= DType::kI64) || dtype == DType::kBool ||
         dtype == DType::kU32 || dtype == DType::kU64;
}

size_t element_size(const Tensor& tensor) {
  return dtype_bits(tensor.dtype()) / 8;
}

// A value as its bytes, for types of up to 8.
uint64_t draw(DType dtype, Random& random) {
  const uint64_t bits = random();
  switch (dtype) {
    case DType::kF16:
      return 0x3800 | (bits & 0x3ff);  // from 0.5 to 1
    case DType::kBF16:
      return 0x3f00 | (bits & 0x7f);
    case DType::kF32:
      return std::bit_cast<uint32_t>(std::uniform_real_distribution<float>(0.05F, 0.95F)(random));
    case DType::kF64:
      return std::bit_cast<uint64_t>(std::uniform_real_distribution<double>(0.05, 0.95)(random));
    default:
      return 1;  // and 0 when it is changed, always in one direction: sums must not stay the same
  }
}

void put(Tensor& tensor, uint64_t index, uint64_t value) {
  const size_t size = element_size(tensor);
  std::memcpy(tensor.mutable_data().data() + index * size, &value, size);  // little-endian
}

uint64_t get(const Tensor& tensor, uint64_t index) {
  const size_t size = element_size(tensor);
  uint64_t value = 0;
  std::memcpy(&value, tensor.data().data() + index * size, size);
  return value;
}

// The number whose digits tell elements apart; splitmix64 where there are more than digits can.
uint64_t code(uint64_t number, uint64_t elements) {
  if (elements <= uint64_t{1} << kMostDigits) return number;
  uint64_t z = number + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::optional<Tensor> drawn_input(const TensorType& type, Random& random) {
  if (!type.dtype || !type.dims || !(is_float(*type.dtype) || is_integer(*type.dtype))) {
    return std::nullopt;
  }
  Shape shape;
  for (const Dim& dim : *type.dims) shape.push_back(dim.size < 0 ? kFreeSize : dim.size);
  const auto count = element_count(shape);
  if (!count || *count == 0 || *count > kMostElements) return std::nullopt;
  auto tensor = Tensor::make(*type.dtype, shape);
  if (!tensor) return std::nullopt;
  for (uint64_t i = 0; i < *count; ++i) put(*tensor, i, draw(*type.dtype, random));
  return *std::move(tensor);
}

uint64_t elements_of(const Tensor& tensor) {
  return tensor.data().size() / element_size(tensor);
}

// Elements of one channel lie side by side.
uint64_t channel_size(const Tensor& tensor) {
  uint64_t size = 1;
  for (size_t i = tensor.shape().size() < 3 ? 0 : 2; i < tensor.shape().size(); ++i) {
    size *= static_cast<uint64_t>(tensor.shape()[i]);
  }
  return size;
}

// The input with those elements changed whose code has this digit.
Tensor changed(const Tensor& base, size_t digit, bool one, Random& random) {
  Tensor tensor = *Tensor::copy_of(base.dtype(), base.shape(), base.data());
  const uint64_t count = elements_of(base);
  const uint64_t channel = channel_size(base);
  std::vector<uint64_t> places;
  for (uint64_t begin = 0; begin < count; begin += channel) {
    places.clear();
    for (uint64_t i = begin; i < begin + channel; ++i) {
      if (((code(i, count) >> digit) & 1) == (one ? 1 : 0)) places.push_back(i);
    }
    const bool trade = is_float(base.dtype()) && places.size() >= kFewestToTrade;
    for (size_t k = 0; k < places.size(); ++k) {
      const uint64_t next = places[(k + 1) % places.size()];
      const uint64_t value = trade                    ? get(base, next)
                             : is_float(base.dtype()) ? draw(base.dtype(), random)
                                                      : get(base, places[k]) ^ 1;
      put(tensor, places[k], value);
    }
  }
  return tensor;
}

// One token has a type and a position, too.
bool are_tokens(const Tensor& a, const Tensor& b) {
  return is_integer(a.dtype()) && is_integer(b.dtype()) && a.shape() == b.shape() &&
         elements_of(a) > 1;
}

}  // namespace

ProbeInputs make_probe_inputs(const Graph& graph, const std::set<ValueId>& public_inputs) {
  ProbeInputs out;
  Random random(kSeed);
  std::map<ValueId, Tensor> base;
  for (ValueId id = 0; id < graph.values.size(); ++id) {
    if (!graph.values[id].is_input) continue;
    auto tensor = drawn_input(graph.values[id].type, random);
    if (!tensor) continue;
    base.emplace(id, *std::move(tensor));
    if (public_inputs.contains(id)) continue;
    const Tensor& drawn = base.at(id);
    const auto same = std::ranges::find_if(out.groups, [&](const ProbeGroup& group) {
      return are_tokens(base.at(group.inputs.front()), drawn);
    });
    if (same != out.groups.end()) {
      same->inputs.push_back(id);
    } else if (out.groups.size() < kMostGroups) {
      const uint64_t elements = elements_of(drawn);
      const size_t needed = std::max<size_t>(1, std::bit_width(elements - 1));
      out.groups.push_back({{id}, elements, std::min(needed, kMostDigits)});
    }
  }
  out.runs = {base, base};
  for (ProbeGroup& group : out.groups) {
    group.first_run = out.runs.size();
    for (size_t run = 0; run < 2 * group.digits; ++run) {
      out.runs.push_back(base);
      for (const ValueId id : group.inputs) {
        out.runs.back().at(id) = changed(base.at(id), run / 2, run % 2 == 1, random);
      }
    }
  }
  return out;
}

}  // namespace cloister
