#include "wire/oip_tensor.h"
#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

void append_member(std::string& json, std::string_view key, std::string_view value) {
  json += fmt::format("\"{}\":", key);
  append_quoted(json, value);
  json += ',';
}

Result<> check_texts(const InferResponse& response) {
  TRY_OK(check_name("", "model_name", response.model_name));
  TRY_OK(check_text("", "model_version", response.model_version));
  return check_text("", "id", response.id);
}

}  // namespace

Result<InferResponse> parse_infer_response(const SharedBytes& body,
                                           std::optional<uint64_t> header_length) {
  TRY(payload, split_body(body, header_length));
  JsonText text;
  TRY(root, text.parse(payload.json));
  TRY(members, Members::of("", root));
  TRY(model_name, members.need_text("model_name"));
  TRY(model_version, members.find_text("model_version"));
  TRY(id, members.find_text("id"));
  TRY(parameters, members.find_parameters());
  InferResponse response{.model_name = std::move(model_name),
                         .model_version = std::move(model_version),
                         .id = std::move(id),
                         .parameters = std::move(parameters)};
  TRY_OK(check_texts(response));
  TRY_OK(members.need("outputs"));
  TRY(outputs, members.find_items("outputs"));
  TRY(tensors, read_tensors("output", outputs, payload));
  response.outputs = std::move(tensors);
  return response;
}

Result<Message> write_infer_response(const InferResponse& response, const InferRequest& request) {
  TRY_OK(check_texts(response));
  TRY_OK(check_names("output", names_of(response.outputs)));
  Message message;
  std::string& json = message.json;
  json += '{';
  append_member(json, "model_name", response.model_name);
  if (!response.model_version.empty()) append_member(json, "model_version", response.model_version);
  if (!response.id.empty()) append_member(json, "id", response.id);
  TRY_OK(append_parameters(json, response.parameters));
  json += "\"outputs\":[";
  for (const NamedTensor& output : response.outputs) {
    if (&output != response.outputs.data()) json += ',';
    TRY_OK(append_tensor(message, "output", output, request.wants_binary(output.name)));
  }
  json += "]}";
  finish(message);
  return message;
}

}  // namespace cloister::oip
