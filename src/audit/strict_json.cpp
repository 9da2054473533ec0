#include "audit/strict_json.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

namespace cloister::audit {
namespace {

// Deeper ones could exhaust the stack of whoever walks them.
constexpr int kMaxDepth = 16;

}  // namespace

std::unexpected<Error> wrong_json(std::string_view key, const Json& found, std::string_view want) {
  const std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  return invalid("{}: {}, want {}", key, printable(text, 40), want);
}

Result<Json> parse_strict_json(std::string_view json, uint64_t max_bytes) {
  if (json.size() > max_bytes) {
    return invalid("{} bytes, at most {} are read", json.size(), max_bytes);
  }
  // JSON allows a key twice and libraries disagree on which counts, so none is taken.
  std::vector<std::set<std::string>> open;
  std::string repeated;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) throw std::runtime_error("nested too deep");
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key &&
        !open.back().insert(parsed.get<std::string>()).second) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  try {
    Json parsed = Json::parse(json, watch);
    if (!repeated.empty()) return invalid("key '{}' is there twice", printable(repeated, 40));
    return parsed;
  } catch (const std::exception& e) {
    return invalid("not JSON: {}", printable(e.what(), 200));
  }
}

Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys) {
  if (!value.is_object()) return wrong_json(key, value, "an object");
  for (const auto& [found, _] : value.items()) {
    if (std::ranges::find(keys, found) == keys.end()) {
      return invalid("{}: unknown key '{}', want {}", key, printable(found, 40),
                     fmt::join(keys, ", "));
    }
  }
  for (const std::string_view wanted : keys) {
    if (!value.contains(wanted)) return invalid("{}: no key '{}'", key, wanted);
  }
  return {};
}

Result<> check_schema(const Json& root, std::string_view want) {
  if (!root.is_object()) return wrong_json("record", root, "an object");
  if (!root.contains("schema")) return invalid("record: no key 'schema'");
  TRY(schema, json_text("schema", root["schema"]));
  if (schema == want) return {};
  return fail(Kind::kUnsupported, "schema: '{}', want '{}'", printable(schema, 40), want);
}

Result<std::string> json_text(std::string_view key, const Json& value) {
  if (!value.is_string()) return wrong_json(key, value, "a string");
  return value.get<std::string>();
}

Result<bool> json_flag(std::string_view key, const Json& value) {
  if (!value.is_boolean()) return wrong_json(key, value, "true or false");
  return value.get<bool>();
}

Result<double> json_number(std::string_view key, const Json& value) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    return wrong_json(key, value, "a number");
  }
  return value.get<double>();
}

Result<uint64_t> json_count(std::string_view key, const Json& value, uint64_t most) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > most) {
    return wrong_json(key, value, fmt::format("a whole number from 0 to {}", most));
  }
  return value.get<uint64_t>();
}

Result<std::vector<std::string>> json_texts(std::string_view key, const Json& value) {
  if (!value.is_array()) return wrong_json(key, value, "an array of strings");
  std::vector<std::string> texts;
  for (const Json& entry : value) {
    if (!entry.is_string()) return wrong_json(key, entry, "a string");
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

}  // namespace cloister::audit
