#include "net/http.h"

#include <strings.h>

#include <algorithm>

namespace cloister::net {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

const std::string* Fields::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(*this, [&](const Field& field) { return same_name(field.name, name); });
  return found == end() ? nullptr : &found->value;
}

size_t Fields::count(std::string_view name) const {
  return static_cast<size_t>(std::ranges::count_if(
      *this, [&](const Field& field) { return same_name(field.name, name); }));
}

void Fields::set(std::string_view name, std::string value) {
  std::erase_if(*this, [&](const Field& field) { return same_name(field.name, name); });
  push_back({std::string(name), std::move(value)});
}

SharedBytes body_of(const Response& received) {
  return received.body.empty() ? SharedBytes{} : received.body[0];
}

SharedBytes shared_text(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  return {as_bytes(*owner), owner};
}

Response text_response(unsigned status, std::string content_type, std::string text) {
  Response response;
  response.status = status;
  response.fields.push_back({"Content-Type", std::move(content_type)});
  response.body.push_back(shared_text(std::move(text)));
  return response;
}

}  // namespace cloister::net
