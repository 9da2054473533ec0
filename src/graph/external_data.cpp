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

Result<std::shared_ptr<const MappedFile>> ExternalFiles::map(const std::string& location) {
  if (const auto known = maps_.find(location); known != maps_.end()) return known->second;
  TRY(path, resolve_inside(folder_, location));
  TRY(file, MappedFile::open(path));
  maps_.emplace(location, file);
  mapped_bytes_ = saturating_add(mapped_bytes_, file->bytes().size());
  return file;
}

Result<> ExternalFiles::count_copy(uint64_t bytes) {
  copied_bytes_ = saturating_add(copied_bytes_, bytes);
  if (copied_bytes_ > mapped_bytes_) {
    return invalid("tensors that overlap in the external data files: {} bytes of {}", copied_bytes_,
                   mapped_bytes_);
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
  TRY(file, files.map(span.location));
  if (span.length && *span.length != size) {
    return invalid("external data has length {}, want {} for {} {}", *span.length, size,
                   dtype_name(dtype), shape_text(shape));
  }
  TRY(end, checked_add(span.offset, size));
  if (end > file->bytes().size()) {
    return invalid("external data ends at byte {} of '{}', which has {}", end,
                   printable(span.location), file->bytes().size());
  }
  const Bytes data = file->bytes().subspan(span.offset, size);
  // Whoever uses the data takes it to be aligned for its type.
  const uint64_t alignment = std::max(dtype_bits(dtype) / 8, 1U);
  if (span.offset % alignment != 0) {
    TRY_OK(files.count_copy(size));
    return Tensor::copy_of(dtype, std::move(shape), data);
  }
  return Tensor::adopt(dtype, std::move(shape), data, std::move(file));
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
