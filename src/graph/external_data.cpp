#include "graph/external_data.h"

#include <algorithm>
#include <optional>

#include "base/checked.h"
#include "base/parse_number.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

struct ExternalSpan {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<uint64_t> number_of(const std::string& key, const std::string& text) {
  const auto value = parse_number<uint64_t>(text);
  if (!value) return invalid("external data {} is '{}', want a number", key, printable(text));
  return *value;
}

Result<ExternalSpan> external_span(const onnx::TensorProto& tensor) {
  ExternalSpan span;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") span.location = entry.value();
    if (entry.key() == "offset") {
      TRY(offset, number_of("offset", entry.value()));
      span.offset = offset;
    }
    if (entry.key() == "length") {
      TRY(length, number_of("length", entry.value()));
      span.length = length;
    }
  }
  return span;
}

// Links followed by hand, so that a loop ends; the system has its own limit.
constexpr int kMostLinks = 40;

bool is_below(const fs::path& path, const fs::path& root) {
  std::error_code code;
  const fs::path real = fs::canonical(root.empty() ? "." : root, code);
  if (code) return false;
  return std::ranges::mismatch(real, path).in1 == real.end();
}

// A location as a model file may have it: below the model's folder, by its name alone.
Result<fs::path> relative_location(const std::string& location) {
  const auto refuse = [&](std::string_view why) {
    return fail(Kind::kRefused, "path '{}' {}; only files below the model's folder are read",
                printable(location, 400), why);
  };
  if (location.find('\0') != std::string::npos) return refuse("contains a zero byte");
  const fs::path relative(location);
  if (relative.is_absolute()) return refuse("is absolute");
  if (std::ranges::find(relative, "..") != relative.end()) return refuse("contains '..'");
  return relative;
}

}  // namespace

ExternalFiles ExternalFiles::beside(const fs::path& model, const DataLinks& links) {
  ExternalFiles files(model.parent_path());
  fs::path at = model;
  std::error_code code;
  for (int i = 0; i < kMostLinks && fs::is_symlink(at, code); ++i) {
    const fs::path target = fs::read_symlink(at, code);
    if (code) break;
    at = target.is_absolute() ? target : at.parent_path() / target;
    files.places_.push_back(at.parent_path());
  }
  const fs::path real = fs::canonical(model, code);
  if (!code) files.roots_.push_back(real.parent_path());
  files.roots_.insert(files.roots_.end(), links.folders.begin(), links.folders.end());
  const fs::path folder = fs::canonical(files.places_[0].empty() ? "." : files.places_[0], code);
  for (const fs::path& cache : links.caches) {
    if (!code && is_below(folder, cache)) files.roots_.push_back(cache);
  }
  return files;
}

Result<fs::path> ExternalFiles::resolve(const std::string& location) const {
  TRY(relative, relative_location(location));
  for (const fs::path& place : places_) {
    std::error_code code;
    const fs::path full = fs::canonical((place.empty() ? "." : place) / relative, code);
    if (code) continue;
    for (const fs::path& root : roots_) {
      if (is_below(full, root)) return full;
    }
    return fail(Kind::kRefused,
                "path '{}' leads out of the model's folder; --allow-links-under DIR allows links "
                "to what is below DIR",
                printable(location, 400));
  }
  return fail(Kind::kNotFound, "no file '{}' in '{}'", printable(location, 400),
              printable(places_[0].string(), 400));
}

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
  if (places_.empty()) return fail(Kind::kNotFound, "no file '{}' in memory", printable(location));
  TRY(path, resolve(location));
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
