#include "wire/oip_tensor.h"

#include <algorithm>
#include <set>

#include "wire/oip_data.h"
#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

constexpr size_t kMaxRank = 32;
constexpr size_t kAlignment = 64;
constexpr const char* kBinarySize = "binary_data_size";

std::string prefix_of(std::string_view word, std::string_view name) {
  return fmt::format("{} '{}': ", word, printable(name, 60));
}

// A byte that is neither 0 nor 1 would be no bool to those who compute with it.
Result<> check_flags(const std::string& prefix, Bytes values) {
  const auto bad = std::ranges::find_if(values, [](std::byte b) { return b > std::byte{1}; });
  if (bad == values.end()) return {};
  return invalid("{}element {} is the byte {}, want 0 or 1", prefix, bad - values.begin(),
                 static_cast<unsigned>(*bad));
}

Result<Tensor> read_section(const std::string& prefix, DType dtype, const Shape& shape,
                            const Parameter& size, Payload& payload) {
  if (!payload.extended) {
    return invalid("{}{} without the HTTP field {}", prefix, kBinarySize, kHeaderLengthField);
  }
  auto want = byte_count(dtype, shape);
  if (!want) return invalid("{}{}", prefix, want.error().message);
  const auto* found = std::get_if<int64_t>(&size);
  if (found == nullptr || *found < 0 || static_cast<uint64_t>(*found) != *want) {
    return invalid("{}{}: {}, want {} ({} {})", prefix, kBinarySize, describe(size), *want,
                   *datatype(dtype), shape_text(shape));
  }
  auto section = payload.sections.take(*want);
  if (!section) return invalid("{}binary data: {}", prefix, section.error().message);
  if (dtype == DType::kBool) TRY_OK(check_flags(prefix, *section));
  const size_t element_bytes = dtype_bits(dtype) / 8;
  const bool aligned = reinterpret_cast<uintptr_t>(section->data()) % element_bytes == 0;
  return aligned ? Tensor::adopt(dtype, shape, *section, payload.owner)
                 : Tensor::copy_of(dtype, shape, *section);
}

Result<NamedTensor> read_tensor(std::string_view word, std::string prefix, JsonElement item,
                                Payload& payload) {
  TRY(members, Members::of(std::move(prefix), item));
  TRY(name, read_name(members, word));
  TRY(type_name, members.need_text("datatype"));
  auto dtype = parse_datatype(type_name);
  if (!dtype) return invalid("{}{}", members.prefix(), dtype.error().message);
  TRY(shape, read_shape(members, 0));
  TRY(parameters, members.find_parameters());
  TRY_OK(check_extensions(members.prefix(), parameters));
  const auto data = members.find("data");
  const auto size = parameters.find(kBinarySize);
  if (data.has_value() == (size != parameters.end())) {
    return invalid("{}{} the parameter {}, want one of them", members.prefix(),
                   data ? "both data and" : "neither data nor", kBinarySize);
  }
  TRY(tensor, data ? read_data(members.prefix(), *dtype, shape, *data, payload.json.size())
                   : read_section(members.prefix(), *dtype, shape, size->second, payload));
  return NamedTensor{std::move(name), std::move(tensor)};
}

}  // namespace

Result<Payload> split_body(const SharedBytes& body, std::optional<uint64_t> header_length) {
  Payload payload{.json = body.bytes, .extended = header_length.has_value(), .owner = body.owner};
  if (!header_length) return payload;
  if (*header_length == 0) {
    return invalid("{}: 0 (a raw binary request), which is not supported", kHeaderLengthField);
  }
  if (*header_length > body.bytes.size()) {
    return invalid("{}: {}, but the body has {} bytes", kHeaderLengthField, *header_length,
                   body.bytes.size());
  }
  payload.json = body.bytes.first(*header_length);
  payload.sections = Reader(body.bytes.subspan(*header_length));
  return payload;
}

Result<std::vector<NamedTensor>> read_tensors(std::string_view word,
                                              const std::vector<JsonElement>& items,
                                              Payload& payload) {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < items.size(); ++i) {
    TRY(tensor, read_tensor(word, fmt::format("{}s[{}]: ", word, i), items[i], payload));
    tensors.push_back(std::move(tensor));
  }
  TRY_OK(check_names(word, names_of(tensors)));
  if (payload.sections.left() > 0) {
    return invalid("{} bytes left over after all {}s", payload.sections.left(), word);
  }
  return tensors;
}

Result<Shape> read_shape(const Members& members, int64_t least) {
  TRY(element, members.need("shape"));
  simdjson::dom::array dimensions;
  if (element.get(dimensions) != simdjson::SUCCESS) {
    return wrong(members.prefix(), "shape", element, "an array");
  }
  Shape shape;
  for (const JsonElement dimension : dimensions) {
    if (shape.size() == kMaxRank) {
      return invalid("{}shape: more than {} dimensions", members.prefix(), kMaxRank);
    }
    int64_t value = 0;
    if (dimension.get(value) != simdjson::SUCCESS || value < least) {
      return wrong(members.prefix(), fmt::format("shape[{}]", shape.size()), dimension,
                   fmt::format("a whole number from {}", least));
    }
    shape.push_back(value);
  }
  return shape;
}

Result<std::string> read_name(Members& members, std::string_view word) {
  TRY(name, members.need_text("name"));
  TRY_OK(check_name(members.prefix(), "name", name));
  members.set_prefix(prefix_of(word, name));
  return std::move(name);
}

Result<> check_extensions(const std::string& prefix, const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (name == "classification" || name.starts_with("shared_memory_")) {
      return invalid("{}the parameter {} is not supported", prefix, printable(name, 60));
    }
  }
  return {};
}

Result<> check_names(std::string_view word, const std::vector<std::string_view>& names) {
  std::set<std::string_view> seen;
  for (const std::string_view name : names) {
    TRY_OK(check_name("", fmt::format("an {}'s name", word), name));
    if (!seen.insert(name).second)
      return invalid("{}there is more than one", prefix_of(word, name));
  }
  return {};
}

Result<> append_tensor(Message& message, std::string_view word, const NamedTensor& tensor,
                       bool binary) {
  const TensorView& view = tensor.tensor.view();
  const std::string prefix = prefix_of(word, tensor.name);
  TRY(type_name, datatype(view.dtype));
  TRY(size, byte_count(view.dtype, view.shape));
  if (view.data.size() != size) {
    return invalid("{}{} bytes, want {}", prefix, view.data.size(), size);
  }
  std::string& json = message.json;
  json += "{\"name\":";
  append_quoted(json, tensor.name);
  json += ",\"shape\":" + shape_text(view.shape);
  json += fmt::format(",\"datatype\":\"{}\",", type_name);
  if (binary) {
    json += fmt::format("\"parameters\":{{\"{}\":{}}}", kBinarySize, size);
    message.binary.push_back(tensor.tensor);
  } else {
    json += "\"data\":";
    TRY_OK(append_data(json, prefix, view));
  }
  json += '}';
  return {};
}

void finish(Message& message) {
  message.extended = !message.binary.empty();
  if (!message.extended) return;
  message.json.resize((message.json.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
}

}  // namespace cloister::oip
