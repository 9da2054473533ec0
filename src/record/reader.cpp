#include "record/reader.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cloister {

void RecordReader::complain(std::string_view what, Kind kind) {
  if (error_) return;
  error_ = Error{kind, path_.empty() ? std::string(what) : fmt::format("{}: {}", path_, what)};
}

void RecordReader::wrong(const Json& found, std::string_view want) {
  // Not all of a long array is turned into text for 40 letters of it.
  const std::string text =
      found.is_structured()
          ? fmt::format("{} of {}", found.is_array() ? "an array" : "an object", found.size())
          : found.dump(-1, ' ', false, Json::error_handler_t::replace);
  complain(fmt::format("{}, want {}", printable(text, 60), want));
}

void RecordReader::refuse_unknown(const Json& json) {
  if (json.is_array()) {
    if (json.size() == keys_.size()) return;
    return complain(fmt::format("{} items, want {}", json.size(), keys_.size()));
  }
  if (missing_ == Missing::kIsAnError && json.size() == keys_.size()) return;
  for (const auto& [key, _] : json.items()) {
    if (std::ranges::find(keys_, key) == keys_.end()) {
      return complain(
          fmt::format("unknown key '{}', want {}", printable(key, 40), fmt::join(keys_, ", ")));
    }
  }
}

std::optional<RecordReader::Outer> RecordReader::enter(const Json& json) {
  if (error_) return std::nullopt;
  if (!json.is_object()) {
    wrong(json, "an object");
    return std::nullopt;
  }
  return Outer{std::exchange(json_, &json), std::exchange(keys_, {})};
}

std::optional<RecordReader::Outer> RecordReader::enter_row(const Json& json) {
  if (error_) return std::nullopt;
  if (!json.is_array()) {
    wrong(json, "an array");
    return std::nullopt;
  }
  return Outer{std::exchange(json_, &json), std::exchange(keys_, {})};
}

void RecordReader::leave(const Json& json, Outer outer) {
  if (!error_) refuse_unknown(json);
  json_ = outer.json;
  keys_ = std::move(outer.keys);
}

bool RecordReader::has(const char* key) const {
  return json_->is_object() && json_->contains(key);
}

bool RecordReader::is_null(const Json& json) {
  return json.is_null();
}

void RecordReader::with(std::string_view key, const Use& use) {
  if (error_) return;
  keys_.push_back(key);
  const Json* const found = member();
  if (json_->is_array()) {
    if (found == nullptr) return complain(fmt::format("no item for '{}'", key));
    return below(fmt::format("[{}]", keys_.size() - 1), [&] { use(*found); });
  }
  if (found == nullptr) {
    if (missing_ == Missing::kIsAnError) complain(fmt::format("no key '{}'", key));
    return;
  }
  below(fmt::format("{}{}", path_.empty() ? "" : ".", key), [&] { use(*found); });
}

const Json* RecordReader::member() const {
  if (json_->is_array()) {
    return keys_.size() <= json_->size() ? &(*json_)[keys_.size() - 1] : nullptr;
  }
  const auto found = json_->find(keys_.back());
  return found == json_->end() ? nullptr : &*found;
}

void RecordReader::each_item(const Json& json, size_t most, const Use& use) {
  if (!json.is_array()) return wrong(json, "an array");
  if (json.size() > most) {
    return complain(fmt::format("{} items, want at most {}", json.size(), most));
  }
  for (size_t i = 0; i < json.size() && !error_; ++i) {
    below(fmt::format("[{}]", i), [&] { use(json[i]); });
  }
}

void RecordReader::each_member(const Json& json,
                               const std::function<void(const std::string&, const Json&)>& use) {
  if (!json.is_object()) return wrong(json, "an object");
  for (const auto& [name, value] : json.items()) use(name, value);
}

Result<> with_json_record(std::string_view json, std::string_view schema, uint64_t max_bytes,
                          const std::function<void(const Json&)>& use) {
  TRY(root, parse_strict_json(json, max_bytes));
  TRY_OK(check_schema(root, schema));
  use(root);
  return {};
}

}  // namespace cloister
