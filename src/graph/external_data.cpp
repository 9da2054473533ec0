#include "graph/external_data.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/checked.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

struct ExternalSpan {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<uint64_t> parse_number(const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    return invalid("external data {} is '{}', want a number", key, printable(text));
  }
  return value;
}

Result<ExternalSpan> external_span(const onnx::TensorProto& tensor) {
  ExternalSpan span;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") span.location = entry.value();
    if (entry.key() == "offset") {
      TRY(offset, parse_number("offset", entry.value()));
      span.offset = offset;
    }
    if (entry.key() == "length") {
      TRY(length, parse_number("length", entry.value()));
      span.length = length;
    }
  }
  return span;
}

}  // namespace

ExternalFiles::ExternalFiles(std::vector<Segment::File> files) {
  for (Segment::File& file : files) add(std::move(file));
}

void ExternalFiles::add(Segment::File file) {
  held_bytes_ = saturating_add(held_bytes_, file.bytes.size());
  std::string name = file.name;
  files_.emplace(std::move(name), std::move(file));
}

Result<Segment::File> ExternalFiles::open(const std::string& location) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  if (!folder_) return fail(Kind::kNotFound, "no file '{}' in memory", printable(location));
  TRY(path, resolve_inside(*folder_, location));
  TRY(map, MappedFile::open(path));
  Segment::File file{location, map->bytes(), map};
  add(file);
  return file;
}

Result<> ExternalFiles::count_copy(uint64_t bytes) {
  copied_bytes_ = saturating_add(copied_bytes_, bytes);
  if (copied_bytes_ > held_bytes_) {
    return invalid("tensors that overlap in the external data files: {} bytes of {}", copied_bytes_,
                   held_bytes_);
  }
  return {};
}

bool is_external(const onnx::TensorProto& tensor) {
  return tensor.data_location() == onnx::TensorProto::EXTERNAL;
}

Result<Tensor> external_value(const onnx::TensorProto& tensor, DType dtype, Shape shape,
                              ExternalFiles& files) {
  TRY(size, byte_count(dtype, shape));
  TRY(span, external_span(tensor));
  if (span.location.empty()) return invalid("external data has no location");
  TRY(file, files.open(span.location));
  if (span.length && *span.length != size) {
    return invalid("external data has length {}, want {} for {} {}", *span.length, size,
                   dtype_name(dtype), shape_text(shape));
  }
  TRY(end, checked_add(span.offset, size));
  if (end > file.bytes.size()) {
    return invalid("external data ends at byte {} of '{}', which has {}", end,
                   printable(span.location), file.bytes.size());
  }
  const Bytes data = file.bytes.subspan(span.offset, size);
  // Code that uses the data takes it to be aligned for its type.
  const uint64_t alignment = std::max(dtype_bits(dtype) / 8, 1U);
  if (reinterpret_cast<uintptr_t>(data.data()) % alignment != 0) {
    TRY_OK(files.count_copy(size));
    return Tensor::copy_of(dtype, std::move(shape), data);
  }
  return Tensor::adopt(dtype, std::move(shape), data, std::move(file.owner));
}

void mark_external(onnx::TensorProto& tensor, const std::string& location, uint64_t offset,
                   uint64_t length) {
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  tensor.clear_external_data();
  const auto add = [&](const char* key, const std::string& value) {
    auto* entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", location);
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
}

}  // namespace cloister
