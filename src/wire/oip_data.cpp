#include "wire/oip_data.h"

#include <array>
#include <cmath>
#include <utility>

#include "tensor/convert.h"
#include "wire/oip_datatype.h"
#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

using JsonArray = simdjson::dom::array;
using Type = simdjson::dom::element_type;

// read_element: whether `element` is a value of the type, rounded to it where it is a number that
// may have a fraction.

bool read_element(JsonElement element, std::integral auto& out) {
  using T = std::remove_reference_t<decltype(out)>;
  if (element.type() == Type::INT64) {
    const int64_t value = element.get_int64().value_unsafe();
    out = static_cast<T>(value);
    return std::in_range<T>(value);
  }
  if (element.type() == Type::UINT64) {
    const uint64_t value = element.get_uint64().value_unsafe();
    out = static_cast<T>(value);
    return std::in_range<T>(value);
  }
  return false;
}

bool read_element(JsonElement element, double& out) {
  const auto value = as_double(element);
  out = value.value_or(0);
  return value.has_value();
}

bool read_element(JsonElement element, float& out) {
  if (element.type() == Type::INT64) {  // not through a double, which would round twice
    out = static_cast<float>(element.get_int64().value_unsafe());
    return true;
  }
  constexpr double kTooLarge = 0x1.ffffffp127;  // rounds to infinity
  const auto value = as_double(element);
  if (!value || std::abs(*value) >= kTooLarge) return false;
  out = static_cast<float>(*value);
  return true;
}

bool read_16_bits(JsonElement element, uint16_t& out, std::optional<uint16_t> (*round)(double)) {
  const auto value = as_double(element);
  const auto bits = value ? round(*value) : std::nullopt;
  out = bits.value_or(0);
  return bits.has_value();
}

bool read_element(JsonElement element, Half& out) {
  return read_16_bits(element, out.bits, to_half);
}

bool read_element(JsonElement element, BFloat16& out) {
  return read_16_bits(element, out.bits, to_bfloat16);
}

bool read_element(JsonElement element, Flag& out) {
  bool value = false;
  if (element.get(value) != simdjson::SUCCESS) return false;
  out.value = value ? 1 : 0;
  return true;
}

template <typename T>
std::string wanted(DType dtype) {
  if constexpr (std::integral<T>) {
    return fmt::format("a whole number from {} to {}", std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::max());
  }
  if constexpr (std::same_as<T, Flag>) return "true or false";
  return fmt::format("a number within the range of {}", *datatype(dtype));
}

uint64_t length(JsonArray array) {
  uint64_t count = 0;  // array.size() stops at 16,777,215
  for ([[maybe_unused]] const JsonElement element : array) ++count;
  return count;
}

// Fills a tensor from its first element to its last.
template <typename T>
class Filler {
 public:
  Filler(const std::string& prefix, Tensor& tensor)
      : prefix_(prefix), tensor_(tensor), out_(tensor.mutable_as<T>()) {}

  Result<> fill(JsonElement data) {
    JsonArray array;
    if (data.get(array) != simdjson::SUCCESS) return wrong(prefix_, "data", data, "an array");
    const auto first = array.begin();
    const bool nested = first != array.end() && (*first).is_array();
    return nested && tensor_.shape().size() > 1 ? fill_level(array) : fill_flat(array);
  }

 private:
  Result<> fill_flat(JsonArray array) {
    path_.assign(1, 0);
    for (const JsonElement element : array) {
      if (path_[0] == out_.size()) return wrong_length(array, out_.size());
      TRY_OK(fill_element(element));
      ++path_[0];
    }
    if (path_[0] < out_.size()) return wrong_length(array, out_.size());
    return {};
  }

  // One array of the level that path_ leads to.
  Result<> fill_level(JsonArray array) {
    const Shape& shape = tensor_.shape();
    const size_t level = path_.size();
    const auto dimension = static_cast<uint64_t>(shape[level]);
    path_.push_back(0);
    for (const JsonElement element : array) {
      if (path_[level] == dimension) return wrong_length(array, dimension);
      if (level + 1 == shape.size()) {
        TRY_OK(fill_element(element));
      } else {
        JsonArray inner;
        if (element.get(inner) != simdjson::SUCCESS) {
          return wrong(prefix_, place(path_.size()), element, "an array");
        }
        TRY_OK(fill_level(inner));
      }
      ++path_[level];
    }
    if (path_[level] < dimension) return wrong_length(array, dimension);
    path_.pop_back();
    return {};
  }

  Result<> fill_element(JsonElement element) {
    if (read_element(element, out_[filled_])) {
      ++filled_;
      return {};
    }
    return wrong(prefix_, place(path_.size()), element, wanted<T>(tensor_.dtype()));
  }

  std::unexpected<Error> wrong_length(JsonArray array, uint64_t want) const {
    return invalid("{}{}: {} elements, want {} (shape {})", prefix_, place(path_.size() - 1),
                   length(array), want, shape_text(tensor_.shape()));
  }

  // "data[0][3]", to so many levels
  std::string place(size_t levels) const {
    std::string text = "data";
    for (size_t i = 0; i < levels; ++i) text += fmt::format("[{}]", path_[i]);
    return text;
  }

  const std::string& prefix_;
  Tensor& tensor_;
  std::span<T> out_;
  size_t filled_ = 0;
  std::vector<uint64_t> path_;  // the index at each level
};

// put_element: false where JSON has no such number.

bool put_element(char*& at, std::integral auto value) {
  at = put_number(at, value);
  return true;
}

bool put_element(char*& at, std::floating_point auto value) {
  if (!std::isfinite(value)) return false;
  at = put_number(at, value);
  return true;
}

bool put_element(char*& at, Half value) {
  return put_element(at, half_to_float(value.bits));
}

bool put_element(char*& at, BFloat16 value) {
  return put_element(at, bfloat16_to_float(value.bits));
}

bool put_element(char*& at, Flag value) {
  const std::string_view text = value.value != 0 ? "true" : "false";
  at = std::ranges::copy(text, at).out;
  return true;
}

template <typename T>
Result<> append_elements(std::string& json, const std::string& prefix, const TensorView& tensor) {
  const auto elements = tensor.as<T>();
  json.reserve(json.size() + elements.size() * (sizeof(T) * 5 / 2 + 1) + 2);  // a guess
  std::array<char, 4096> buffer;
  char* at = buffer.data();
  *at++ = '[';
  for (size_t i = 0; i < elements.size(); ++i) {
    if (buffer.data() + buffer.size() - at < static_cast<ptrdiff_t>(kMaxNumberChars) + 2) {
      json.append(buffer.data(), at);
      at = buffer.data();
    }
    if (!put_element(at, elements[i])) {
      return invalid("{}element {} is not finite, which JSON can't represent: request binary data",
                     prefix, i);
    }
    *at++ = ',';
  }
  if (!elements.empty()) --at;
  *at++ = ']';
  json.append(buffer.data(), at);
  return {};
}

}  // namespace

Result<Tensor> read_data(const std::string& prefix, DType dtype, const Shape& shape,
                         JsonElement data, uint64_t json_bytes) {
  auto count = element_count(shape);
  if (!count) return invalid("{}{}", prefix, count.error().message);
  // Each element takes a character, and a comma.
  if (*count > json_bytes / 2 + 1) {
    return invalid("{}shape {} needs {} elements, more than fit {} bytes of JSON", prefix,
                   shape_text(shape), *count, json_bytes);
  }
  TRY(tensor, Tensor::make(dtype, shape));
  TRY_OK(with_element_type(
      dtype, [&]<typename T>(T) -> Result<> { return Filler<T>(prefix, tensor).fill(data); }));
  return std::move(tensor);
}

Result<> append_data(std::string& json, const std::string& prefix, const TensorView& tensor) {
  return with_element_type(tensor.dtype,
                           [&]<typename T>(T) { return append_elements<T>(json, prefix, tensor); });
}

}  // namespace cloister::oip
