#include "record/writer.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace cloister {

void RecordWriter::texts(const char* key, const std::vector<std::string>& values, size_t, size_t) {
  put_array(key) = values;
}

void RecordWriter::shape(const char* key, const Shape& value) {
  put_array(key) = value;
}

void RecordWriter::dimensions(const char* key, const std::vector<int64_t>& value) {
  put_array(key) = value;
}

void RecordWriter::flag(const char* key, bool value) {
  json_[key] = value;
}

void RecordWriter::real(const char* key, double value, double, double) {
  json_[key] = value;
}

void RecordWriter::real_or_null(const char* key, double value, double, double) {
  json_[key] = std::isfinite(value) ? Json(value) : Json();
}

void RecordWriter::positions(const char* key, const std::vector<size_t>& values, size_t) {
  json_[key] = values.empty() ? Json() : Json(values);
}

void RecordWriter::numbers(const char* key,
                           const std::vector<std::pair<std::string, double>>& values, size_t) {
  Json& out = put_object(key);
  for (const auto& [name, value] : values) out[name] = value;
}

void RecordWriter::any(const char* key, const std::string& value, size_t) {
  Json parsed = Json::parse(value, nullptr, false);
  json_[key] = parsed.is_discarded() ? Json() : std::move(parsed);
}

void RecordWriter::put(std::string_view key, std::string_view text) {
  json_[std::string(key)] = text;
}

void RecordWriter::put_null(std::string_view key) {
  json_[std::string(key)] = nullptr;
}

void RecordWriter::put_signed(std::string_view key, int64_t value) {
  json_[std::string(key)] = value;
}

void RecordWriter::put_unsigned(std::string_view key, uint64_t value) {
  json_[std::string(key)] = value;
}

void RecordWriter::put_reals(std::string_view key, const std::vector<double>& values) {
  put_array(key) = values;
}

Json& RecordWriter::put_object(std::string_view key) {
  return json_[std::string(key)] = Json::object();
}

Json& RecordWriter::put_array(std::string_view key) {
  return json_[std::string(key)] = Json::array();
}

Json& RecordWriter::add_object(Json& array) {
  return array.emplace_back(Json::object());
}

std::string with_new_json(const std::function<void(Json&)>& fill, bool one_line) {
  Json json = Json::object();
  fill(json);
  if (!one_line) return layout_json(json);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cloister
