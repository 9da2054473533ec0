#include "bundle/triton.h"

#include <unistd.h>

#include <algorithm>

#include "base/folder.h"

namespace cloister::bundle {
namespace {

constexpr std::pair<DType, const char*> kTypes[] = {
    {DType::kF32, "TYPE_FP32"},   {DType::kF16, "TYPE_FP16"},   {DType::kF64, "TYPE_FP64"},
    {DType::kBF16, "TYPE_BF16"},  {DType::kU8, "TYPE_UINT8"},   {DType::kI8, "TYPE_INT8"},
    {DType::kU16, "TYPE_UINT16"}, {DType::kI16, "TYPE_INT16"},  {DType::kU32, "TYPE_UINT32"},
    {DType::kI32, "TYPE_INT32"},  {DType::kU64, "TYPE_UINT64"}, {DType::kI64, "TYPE_INT64"},
    {DType::kBool, "TYPE_BOOL"}};

// A string of protobuf's text format.
std::string pb_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const bool plain = c >= 32 && c < 127 && c != '"' && c != '\\';
    out += plain ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return out + "\"";
}

Result<std::string> ports_text(std::string_view field, const std::vector<TensorSpec>& specs,
                               bool batched) {
  std::string text = fmt::format("{} [\n", field);
  for (size_t i = 0; i < specs.size(); ++i) {
    const auto type =
        std::ranges::find(kTypes, specs[i].dtype, &std::pair<DType, const char*>::first);
    if (type == std::end(kTypes)) {
      return fail(Kind::kUnsupported, "'{}' is {}, which Triton does not have",
                  printable(specs[i].name), dtype_name(specs[i].dtype));
    }
    // Triton puts the batch before what it is told.
    std::string dims;
    for (size_t k = batched ? 1 : 0; k < specs[i].dims.size(); ++k) {
      dims += fmt::format("{}{}", dims.empty() ? "" : ", ", specs[i].dims[k]);
    }
    // It has no scalars: they are given a dimension and reshaped.
    const bool scalar = dims.empty();
    text +=
        fmt::format("  {{\n    name: {}\n    data_type: {}\n    dims: [ {} ]\n{}  }}{}\n",
                    pb_text(specs[i].name), type->second, scalar ? "1" : dims,
                    scalar ? "    reshape: { shape: [ ] }\n" : "", i + 1 < specs.size() ? "," : "");
  }
  return text + "]\n";
}

Result<const SegmentInfo*> body_of(const Manifest& manifest) {
  const SegmentInfo* body = find_segment(manifest, Placement::kUntrusted);
  if (body == nullptr) {
    return fail(Kind::kUsage, "the bundle has no body: its plan is all trusted");
  }
  return body;
}

}  // namespace

Result<std::string> triton_config(const Manifest& manifest) {
  TRY(body, body_of(manifest));
  const bool batched = manifest.max_batch > 1;
  TRY(inputs, ports_text("input", body->inputs, batched));
  TRY(outputs, ports_text("output", body->outputs, batched));
  // Old versions stay until the trusted servers that use them are gone.
  return fmt::format(
      "name: {}\nbackend: \"onnxruntime\"\nmax_batch_size: {}\n{}{}version_policy: {{ all {{ }} "
      "}}\n",
      pb_text(manifest.model_name), batched ? manifest.max_batch : 0, inputs, outputs);
}

Result<fs::path> export_triton(const Bundle& bundle, const fs::path& repository) {
  const Manifest& manifest = bundle.manifest();
  TRY(config, triton_config(manifest));
  const fs::path model = repository / manifest.model_name;
  const fs::path version = model / std::to_string(manifest.version);
  std::error_code ignored;
  if (fs::exists(version, ignored)) {
    return fail(Kind::kUsage, "'{}' already exists", printable(version.string(), 400));
  }
  TRY(body, body_of(manifest));
  TRY(segment, bundle.segment(body->name, {}));
  // Triton may be looking: the version appears whole.
  fs::path parts = version;
  parts += fmt::format(".{}.parts", ::getpid());
  TRY_OK(make_folder(parts));
  const auto written = [&, &segment = segment, &config = config]() -> Result<> {
    TRY_OK(write_file(parts / "model.onnx", segment.model));
    for (const Segment::File& file : segment.files) {
      TRY_OK(write_file(parts / file.name, as_text(file.bytes)));
    }
    TRY_OK(write_file(model / "config.pbtxt", config));
    std::error_code code;
    fs::rename(parts, version, code);
    if (!code) return {};
    return fail(Kind::kIo, "can't write '{}': {}", printable(version.string(), 400),
                code.message());
  }();
  if (!written) {
    fs::remove_all(parts, ignored);
    return std::unexpected(written.error());
  }
  return version;
}

}  // namespace cloister::bundle
