#include "wire/oip_json.h"

#include <algorithm>

#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

using Type = simdjson::dom::element_type;

constexpr size_t kMaxDepth = 64;  // nested data of 32 dimensions needs 36

std::unexpected<Error> parse_error_text(simdjson::error_code code, size_t size) {
  switch (code) {
    case simdjson::EMPTY:
      return invalid("no JSON");
    case simdjson::DEPTH_ERROR:
      return invalid("JSON: more than {} levels", kMaxDepth);
    case simdjson::NUMBER_ERROR:
      return invalid("JSON: a malformed number, or a whole one that 64 bits can't hold");
    case simdjson::MEMALLOC:
      return fail(Kind::kIo, "no memory to parse {} bytes of JSON", size);
    default:
      return invalid("not JSON: {}", simdjson::error_message(code));
  }
}

Result<Parameter> parameter_of(std::string_view prefix, std::string_view key, JsonElement element) {
  switch (element.type()) {
    case Type::BOOL:
      return element.get_bool().value_unsafe();
    case Type::INT64:
      return element.get_int64().value_unsafe();
    case Type::UINT64:
      return element.get_uint64().value_unsafe();
    case Type::DOUBLE:
      return element.get_double().value_unsafe();
    case Type::STRING: {
      TRY(text, text_of(prefix, key, element));
      return std::move(text);
    }
    default:
      return wrong(prefix, key, element, "a string, true, false or a number");
  }
}

std::string describe_double(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;  // is not whole
}

}  // namespace

Result<JsonElement> JsonText::parse(Bytes text) {
  if (text.empty()) return parse_error_text(simdjson::EMPTY, 0);  // maybe null, too
  JsonElement root;
  auto error = parser_.allocate(0, kMaxDepth);
  if (error == simdjson::SUCCESS) {
    error = parser_.parse(as_text(text).data(), text.size()).get(root);
  }
  if (error != simdjson::SUCCESS) return parse_error_text(error, text.size());
  return root;
}

Result<Members> Members::of(std::string prefix, JsonElement element) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return invalid("{}{}, want an object", prefix, describe(element));
  }
  Members out;
  out.prefix_ = std::move(prefix);
  for (const auto& [key, value] : object) {
    if (out.members_.size() == kMaxItems) {
      return invalid("{}an object of more than {} members", out.prefix_, kMaxItems);
    }
    out.members_.emplace_back(key, value);
  }
  std::ranges::sort(out.members_, {}, [](const auto& member) { return member.first; });
  const auto twice =
      std::ranges::adjacent_find(out.members_, {}, [](const auto& member) { return member.first; });
  if (twice != out.members_.end()) {
    return invalid("{}key '{}' occurs twice", out.prefix_, printable(twice->first, 60));
  }
  return out;
}

std::optional<JsonElement> Members::find(std::string_view key) const {
  const auto at =
      std::ranges::lower_bound(members_, key, {}, [](const auto& member) { return member.first; });
  if (at == members_.end() || at->first != key || at->second.is_null()) return std::nullopt;
  return at->second;
}

Result<JsonElement> Members::need(std::string_view key) const {
  const auto found = find(key);
  if (!found) return invalid("{}no key '{}'", prefix_, key);
  return *found;
}

Result<std::string> Members::need_text(std::string_view key) const {
  TRY(element, need(key));
  return text_of(prefix_, key, element);
}

Result<std::string> Members::find_text(std::string_view key) const {
  const auto element = find(key);
  if (!element) return std::string();
  return text_of(prefix_, key, *element);
}

Result<std::vector<JsonElement>> Members::find_items(std::string_view key) const {
  std::vector<JsonElement> items;
  const auto element = find(key);
  if (!element) return items;
  simdjson::dom::array array;
  if (element->get(array) != simdjson::SUCCESS) return wrong(prefix_, key, *element, "an array");
  for (const JsonElement item : array) {
    if (items.size() == kMaxItems) return invalid("{}{}: more than {}", prefix_, key, kMaxItems);
    items.push_back(item);
  }
  return items;
}

Result<Parameters> Members::find_parameters() const {
  Parameters out;
  const auto element = find("parameters");
  if (!element) return out;
  TRY(members, of(prefix_ + "parameters: ", *element));
  for (const auto& [key, value] : members.members_) {
    if (value.is_null()) continue;
    TRY_OK(check_text(members.prefix_, "a parameter's name", key));
    TRY(parameter, parameter_of(members.prefix_, printable(key, 60), value));
    out.emplace(key, std::move(parameter));
  }
  return out;
}

Result<std::string> text_of(std::string_view prefix, std::string_view key, JsonElement element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return wrong(prefix, key, element, "a string");
  return std::string(text);
}

std::string describe(JsonElement element) {
  switch (element.type()) {
    case Type::ARRAY:
      return "an array";
    case Type::OBJECT:
      return "an object";
    case Type::STRING:
      return fmt::format("'{}'", printable(element.get_string().value_unsafe(), 40));
    case Type::INT64:
      return fmt::format("{}", element.get_int64().value_unsafe());
    case Type::UINT64:
      return fmt::format("{}", element.get_uint64().value_unsafe());
    case Type::DOUBLE:
      return describe_double(element.get_double().value_unsafe());
    case Type::BOOL:
      return element.get_bool().value_unsafe() ? "true" : "false";
    case Type::NULL_VALUE:
      break;
  }
  return "null";
}

std::string describe(const Parameter& parameter) {
  if (const auto* text = std::get_if<std::string>(&parameter)) {
    return fmt::format("'{}'", printable(*text, 40));
  }
  if (const auto* flag = std::get_if<bool>(&parameter)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&parameter)) return fmt::format("{}", *whole);
  if (const auto* large = std::get_if<uint64_t>(&parameter)) return fmt::format("{}", *large);
  return describe_double(std::get<double>(parameter));
}

std::optional<double> as_double(JsonElement element) {
  double value = 0;
  if (element.get(value) != simdjson::SUCCESS) return std::nullopt;  // converts whole numbers
  return value;
}

std::unexpected<Error> wrong(std::string_view prefix, std::string_view key, JsonElement found,
                             std::string_view want) {
  return invalid("{}{}: {}, want {}", prefix, key, describe(found), want);
}

}  // namespace cloister::oip
