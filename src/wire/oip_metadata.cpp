#include "wire/oip_tensor.h"
#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

constexpr size_t kMaxErrorBytes = 1 << 20;
constexpr size_t kMaxMetadataBytes = 16 << 20;

void append_texts(std::string& json, const std::vector<std::string>& texts) {
  json += '[';
  for (const std::string& text : texts) {
    if (&text != texts.data()) json += ',';
    append_quoted(json, text);
  }
  json += ']';
}

void append_tensors(std::string& json, const std::vector<TensorSpec>& tensors) {
  json += '[';
  for (const TensorSpec& tensor : tensors) {
    if (&tensor != tensors.data()) json += ',';
    json += "{\"name\":";
    append_quoted(json, tensor.name);
    const auto type = datatype(tensor.dtype);
    json += fmt::format(",\"datatype\":\"{}\",\"shape\":{}}}",
                        type ? *type : dtype_name(tensor.dtype), shape_text(tensor.dims));
  }
  json += ']';
}

Result<std::vector<TensorSpec>> read_list(const Members& model, std::string_view word) {
  const std::string key = fmt::format("{}s", word);
  TRY_OK(model.need(key));
  TRY(items, model.find_items(key));
  std::vector<TensorSpec> tensors;
  for (size_t i = 0; i < items.size(); ++i) {
    TRY(members, Members::of(fmt::format("{}[{}]: ", key, i), items[i]));
    TRY(name, read_name(members, word));
    TRY(type_name, members.need_text("datatype"));
    auto dtype = parse_datatype(type_name);
    if (!dtype) return invalid("{}{}", members.prefix(), dtype.error().message);
    TRY(dims, read_shape(members, -1));
    tensors.push_back({std::move(name), *dtype, std::move(dims)});
  }
  TRY_OK(check_names(word, names_of(tensors)));
  return tensors;
}

}  // namespace

std::string write_server_metadata(const ServerMetadata& metadata) {
  std::string json = "{\"name\":";
  append_quoted(json, metadata.name);
  json += ",\"version\":";
  append_quoted(json, metadata.version);
  json += ",\"extensions\":";
  append_texts(json, metadata.extensions);
  return json + '}';
}

std::string write_model_metadata(const ModelMetadata& metadata) {
  std::string json = "{\"name\":";
  append_quoted(json, metadata.name);
  json += ",\"versions\":";
  append_texts(json, metadata.versions);
  json += ",\"platform\":";
  append_quoted(json, metadata.platform);
  json += ",\"inputs\":";
  append_tensors(json, metadata.inputs);
  json += ",\"outputs\":";
  append_tensors(json, metadata.outputs);
  if (!metadata.segment_sha256.empty()) {
    json += fmt::format(",\"parameters\":{{\"{}\":", kSegmentParameter);
    append_quoted(json, metadata.segment_sha256);
    json += '}';
  }
  return json + '}';
}

Result<ModelMetadata> parse_model_metadata(Bytes json) {
  if (json.size() > kMaxMetadataBytes) {
    return invalid("{} bytes, at most {} are read", json.size(), kMaxMetadataBytes);
  }
  JsonText text;
  TRY(root, text.parse(json));
  TRY(members, Members::of("", root));
  TRY(name, members.need_text("name"));
  TRY_OK(check_name("", "name", name));
  TRY(platform, members.find_text("platform"));
  TRY(inputs, read_list(members, "input"));
  TRY(outputs, read_list(members, "output"));
  ModelMetadata metadata{.name = std::move(name),
                         .platform = std::move(platform),
                         .inputs = std::move(inputs),
                         .outputs = std::move(outputs)};
  TRY(versions, members.find_items("versions"));
  for (size_t i = 0; i < versions.size(); ++i) {
    TRY(version, text_of("", fmt::format("versions[{}]", i), versions[i]));
    metadata.versions.push_back(std::move(version));
  }
  // Others may have parameters of any form.
  const auto parameters = members.find("parameters");
  std::string_view digest;
  if (parameters && parameters->at_key(kSegmentParameter).get(digest) == simdjson::SUCCESS) {
    TRY_OK(check_text("", kSegmentParameter, digest));
    metadata.segment_sha256 = digest;
  }
  return metadata;
}

std::string write_error(std::string_view message) {
  std::string json = "{\"error\":";
  append_quoted(json, message);
  return json + '}';
}

std::string parse_error(Bytes body) {
  constexpr size_t kMaxLength = 500;
  if (body.size() <= kMaxErrorBytes) {
    JsonText text;
    const auto root = text.parse(body);
    std::string_view message;
    if (root && root->at_key("error").get(message) == simdjson::SUCCESS) {
      return printable(message, kMaxLength);
    }
  }
  if (body.empty()) return "nothing";
  return fmt::format("{} bytes that are no error object: '{}'", body.size(),
                     printable(as_text(body.first(std::min<size_t>(body.size(), 200)))));
}

}  // namespace cloister::oip
