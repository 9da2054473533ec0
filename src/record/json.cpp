#include "record/json.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace cloister {
namespace {

// Beyond these a text of the size allowed would cost far more memory than its length.
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxContainers = 2'000'000;
constexpr size_t kMaxKeys = 1000;  // of one object: no record has more

// What is short goes on one line, and so do arrays of plain values however long: one score an
// input must not be one line an input.
class Layout {
 public:
  std::string text(const Json& json) {
    put(json, 0);
    out_ += '\n';
    return std::move(out_);
  }

 private:
  static constexpr size_t kWidth = 100;

  static bool holds_containers(const Json& json) {
    return std::ranges::any_of(json, [](const Json& item) { return item.is_structured(); });
  }

  void put(const Json& json, size_t depth) {
    if (!json.is_structured()) return put_value(json);
    if (json.empty() || (json.is_array() && !holds_containers(json))) return put_line(json);
    if (may_be_short(json)) {
      const size_t start = out_.size();
      put_line(json);
      if (out_.size() - start + 2 * depth <= kWidth) return;
      out_.resize(start);
    }
    const std::string indent(2 * depth + 2, ' ');
    out_ += json.is_array() ? '[' : '{';
    bool first = true;
    for (const auto& [key, item] : json.items()) {
      out_ += first ? "\n" : ",\n";
      first = false;
      out_ += indent;
      if (json.is_object()) put_key(key);
      put(item, depth + 1);
    }
    out_ += '\n';
    out_.append(2 * depth, ' ');
    out_ += json.is_array() ? ']' : '}';
  }

  // A cheap first look, so that no long record is laid out at every depth.
  static bool may_be_short(const Json& json) {
    return json.size() <= 10 && std::ranges::all_of(json, [](const Json& item) {
             return !item.is_structured() || (item.size() <= 4 && !holds_containers(item));
           });
  }

  void put_line(const Json& json) {
    if (!json.is_structured()) return put_value(json);
    const char* separator = "";
    out_ += json.is_array() ? '[' : '{';
    if (json.is_array()) {
      for (const Json& item : json) {
        out_ += std::exchange(separator, ", ");
        put_line(item);
      }
    } else {
      for (const auto& [key, item] : json.items()) {
        out_ += std::exchange(separator, ", ");
        put_key(key);
        put_line(item);
      }
    }
    out_ += json.is_array() ? ']' : '}';
  }

  void put_key(const std::string& key) {
    put_value(Json(key));
    out_ += ": ";
  }

  void put_value(const Json& json) {
    if (!json.is_number_float()) {
      out_ += json.dump(-1, ' ', false, Json::error_handler_t::replace);
      return;
    }
    const double value = json.get<double>();
    if (!std::isfinite(value)) {
      out_ += "null";
      return;
    }
    char buffer[32];
    // + 0.0 takes the sign off a zero, which would be read as a whole number without one.
    const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value + 0.0).ptr;
    out_.append(buffer, end);
  }

  std::string out_;
};

}  // namespace

// JSON allows a key twice and libraries disagree on which counts, so none is taken.
Result<Json> parse_strict_json(std::string_view json, uint64_t max_bytes) {
  if (json.size() > max_bytes) {
    return invalid("{} bytes, at most {} are read", json.size(), max_bytes);
  }
  std::vector<std::set<std::string>> open;
  size_t depth = 0;
  size_t containers = 0;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
        open.emplace_back();
        [[fallthrough]];
      case Json::parse_event_t::array_start:
        if (++depth > kMaxDepth) throw std::runtime_error("nested too deep");
        if (++containers > kMaxContainers) throw std::runtime_error("too many arrays and objects");
        break;
      case Json::parse_event_t::object_end:
        open.pop_back();
        [[fallthrough]];
      case Json::parse_event_t::array_end:
        --depth;
        break;
      case Json::parse_event_t::key: {
        // Json looks through all keys of an object for each one: quadratic without a limit.
        if (open.back().size() == kMaxKeys) throw std::runtime_error("too many keys in one object");
        const auto& key = parsed.get_ref<const std::string&>();
        if (!open.back().insert(key).second) {
          throw std::runtime_error(fmt::format("key '{}' occurs twice", printable(key, 40)));
        }
        break;
      }
      case Json::parse_event_t::value:
        break;
    }
    return true;
  };
  try {
    return Json::parse(json, watch);
  } catch (const Json::exception& e) {
    return invalid("not JSON: {}", printable(e.what(), 200));
  } catch (const std::exception& e) {
    return invalid("{}", e.what());
  }
}

std::string layout_json(const Json& json) {
  return Layout().text(json);
}

std::unexpected<Error> wrong_json(std::string_view key, const Json& found, std::string_view want) {
  const std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  return invalid("{}: {}, want {}", key, printable(text, 40), want);
}

Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys) {
  return check_keys(key, value, keys, keys);
}

Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys,
                    const std::vector<std::string_view>& required) {
  if (!value.is_object()) return wrong_json(key, value, "an object");
  for (const auto& [found, _] : value.items()) {
    if (std::ranges::find(keys, found) == keys.end()) {
      return invalid("{}: unknown key '{}', want {}", key, printable(found, 40),
                     fmt::join(keys, ", "));
    }
  }
  for (const std::string_view wanted : required) {
    if (!value.contains(wanted)) return invalid("{}: no key '{}'", key, wanted);
  }
  return {};
}

Result<> check_schema(const Json& root, std::string_view want) {
  if (!root.is_object()) return wrong_json("record", root, "an object");
  if (!root.contains("schema")) return invalid("no key 'schema'");
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

}  // namespace cloister
