#include "link/oip_http.h"

#include "base/parse_number.h"

namespace cloister::serving {

Result<std::optional<uint64_t>> header_length(const net::Fields& fields) {
  const std::string* const text = fields.find(oip::kHeaderLengthField);
  if (text == nullptr) return std::nullopt;
  if (fields.count(oip::kHeaderLengthField) > 1) {
    return invalid("{} is given {} times", oip::kHeaderLengthField,
                   fields.count(oip::kHeaderLengthField));
  }
  const auto length = parse_number<uint64_t>(*text);
  if (!length) {
    return invalid("{}: got '{}', want a number of bytes", oip::kHeaderLengthField,
                   printable(*text));
  }
  return length;
}

HttpBody http_body(oip::Message message) {
  HttpBody out;
  out.fields.push_back(
      {"Content-Type", message.extended ? "application/octet-stream" : "application/json"});
  if (message.extended) {
    out.fields.push_back({oip::kHeaderLengthField, std::to_string(message.json.size())});
  }
  out.body.push_back(net::shared_text(std::move(message.json)));
  for (Tensor& tensor : message.binary) {
    const Bytes bytes = tensor.data();
    out.body.push_back({bytes, std::make_shared<Tensor>(std::move(tensor))});
  }
  return out;
}

}  // namespace cloister::serving
