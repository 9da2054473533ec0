#include <algorithm>

#include "wire/oip_tensor.h"
#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

constexpr const char* kBinaryOutputs = "binary_data_output";  // of a request
constexpr const char* kBinaryOutput = "binary_data";          // of an output asked for

// Takes the flag `name` out of the parameters.
Result<std::optional<bool>> take_flag(const std::string& prefix, Parameters& parameters,
                                      const std::string& name) {
  const auto node = parameters.extract(name);
  if (node.empty()) return std::nullopt;
  if (const bool* flag = std::get_if<bool>(&node.mapped())) return *flag;
  return invalid("{}parameters: {}: {}, want true or false", prefix, name, describe(node.mapped()));
}

Result<RequestedOutput> read_output(size_t index, JsonElement item) {
  TRY(members, Members::of(fmt::format("outputs[{}]: ", index), item));
  TRY(name, read_name(members, "output"));
  TRY(parameters, members.find_parameters());
  TRY_OK(check_extensions(members.prefix(), parameters));
  TRY(binary, take_flag(members.prefix(), parameters, kBinaryOutput));
  return RequestedOutput{std::move(name), binary};
}

void append_output(std::string& json, const RequestedOutput& output) {
  json += "{\"name\":";
  append_quoted(json, output.name);
  if (output.binary) {
    json += fmt::format(",\"parameters\":{{\"{}\":{}}}", kBinaryOutput, *output.binary);
  }
  json += '}';
}

}  // namespace

bool InferRequest::wants_binary(std::string_view name) const {
  const auto asked = std::ranges::find(outputs, name, &RequestedOutput::name);
  return asked == outputs.end() ? binary_outputs : asked->binary.value_or(binary_outputs);
}

Result<InferRequest> parse_infer_request(const SharedBytes& body,
                                         std::optional<uint64_t> header_length) {
  TRY(payload, split_body(body, header_length));
  JsonText text;
  TRY(root, text.parse(payload.json));
  TRY(members, Members::of("", root));
  InferRequest request;
  TRY(id, members.find_text("id"));
  TRY_OK(check_text("", "id", id));
  TRY(parameters, members.find_parameters());
  TRY(binary_outputs, take_flag("", parameters, kBinaryOutputs));
  TRY_OK(members.need("inputs"));
  TRY(inputs, members.find_items("inputs"));
  TRY(outputs, members.find_items("outputs"));
  for (size_t i = 0; i < outputs.size(); ++i) {
    TRY(output, read_output(i, outputs[i]));
    request.outputs.push_back(std::move(output));
  }
  TRY_OK(check_names("output", names_of(request.outputs)));
  TRY(tensors, read_tensors("input", inputs, payload));
  request.id = std::move(id);
  request.parameters = std::move(parameters);
  request.binary_outputs = binary_outputs.value_or(false);
  request.inputs = std::move(tensors);
  return request;
}

Result<Message> write_infer_request(const InferRequest& request, Encoding encoding) {
  const bool binary = encoding == Encoding::kBinary;
  TRY_OK(check_text("", "id", request.id));
  TRY_OK(check_names("input", names_of(request.inputs)));
  TRY_OK(check_names("output", names_of(request.outputs)));
  if (request.parameters.contains(kBinaryOutputs)) {
    return invalid("parameters: {} is reserved for the encoding", kBinaryOutputs);
  }
  Parameters parameters = request.parameters;
  if (binary) parameters.emplace(kBinaryOutputs, true);

  Message message;
  std::string& json = message.json;
  json += '{';
  if (!request.id.empty()) {
    json += "\"id\":";
    append_quoted(json, request.id);
    json += ',';
  }
  TRY_OK(append_parameters(json, parameters));
  json += "\"inputs\":[";
  for (const NamedTensor& input : request.inputs) {
    if (&input != request.inputs.data()) json += ',';
    TRY_OK(append_tensor(message, "input", input, binary));
  }
  json += ']';
  if (!request.outputs.empty()) {
    json += ",\"outputs\":[";
    for (const RequestedOutput& output : request.outputs) {
      if (&output != request.outputs.data()) json += ',';
      append_output(json, output);
    }
    json += ']';
  }
  json += '}';
  finish(message);
  return message;
}

}  // namespace cloister::oip
