#pragma once

#include <cmath>
#include <optional>
#include <utility>

#include "record/fields.h"
#include "record/json.h"
#include "tensor/tensor.h"

namespace cloister {

// See fields.h. Strict both ways: what json_of() makes, RecordReader takes.
class RecordWriter {
 public:
  static constexpr bool kReads = false;

  template <typename T>
  static Json json_of(const T& value) {
    RecordWriter writer;
    fields(writer, value);
    return std::move(writer.json_);
  }

  void schema(const char* key, std::string_view word) { json_[key] = word; }
  void text(const char* key, const std::string& value, size_t) { json_[key] = value; }
  void text_or_null(const char* key, const std::string& value, size_t) {
    json_[key] = value.empty() ? Json() : Json(value);
  }
  void choice(const char* key, const std::string& value, std::initializer_list<std::string_view>) {
    json_[key] = value;
  }
  void texts(const char* key, const std::vector<std::string>& values, size_t, size_t) {
    array(key) = values;
  }
  void digest(const char* key, const std::string& value) { json_[key] = value; }
  void digest_or_null(const char* key, const std::string& value) { text_or_null(key, value, 0); }
  void picture(const char* key, const std::string& value) { json_[key] = value; }
  template <typename T>
  void term(const char* key, const T& value) {
    json_[key] = word(value);
  }
  template <typename T>
  void terms(const char* key, const std::vector<T>& values, size_t) {
    Json& out = array(key);
    for (const T& value : values) out.push_back(word(value));
  }
  void dtype(const char* key, DType value) { json_[key] = dtype_name(value); }
  void shape(const char* key, const Shape& value) { array(key) = value; }
  void extents(const char* key, const std::vector<int64_t>& value) { array(key) = value; }
  void flag(const char* key, bool value) { json_[key] = value; }

  template <typename T>
  void integer(const char* key, T value, uint64_t, uint64_t) {
    json_[key] = value;
  }
  void real(const char* key, double value, double, double) { json_[key] = value; }
  void real_or_null(const char* key, double value, double, double) {
    json_[key] = std::isfinite(value) ? Json(value) : Json();
  }
  void optional(const char* key, const std::optional<double>& value, double, double) {
    json_[key] = value ? Json(*value) : Json();
  }
  void count_or_null(const char* key, const std::optional<uint64_t>& value, uint64_t) {
    json_[key] = value ? Json(*value) : Json();
  }
  template <typename T>
  void optional(const char* key, const std::optional<T>& value) {
    json_[key] = value ? json_of(*value) : Json();
  }
  template <typename T>
  void object(const char* key, const T& value) {
    json_[key] = json_of(value);
  }
  template <typename T>
  void list(const char* key, const std::vector<T>& values, size_t) {
    Json& out = array(key);
    for (const T& value : values) out.push_back(json_of(value));
  }
  void positions(const char* key, const std::vector<size_t>& values, size_t) {
    json_[key] = values.empty() ? Json() : Json(values);
  }
  template <typename T>
  void arrays(const char* key, const std::vector<T>& values, size_t) {
    Json& out = json_[key] = Json::object();
    for (const T& array : values) out[std::string(array_name(array))] = array.values;
  }
  void numbers(const char* key, const std::vector<std::pair<std::string, double>>& values, size_t) {
    Json& out = json_[key] = Json::object();
    for (const auto& [name, value] : values) out[name] = value;
  }
  void any(const char* key, const std::string& value, size_t) {
    Json parsed = Json::parse(value, nullptr, false);
    json_[key] = parsed.is_discarded() ? Json() : std::move(parsed);
  }

 private:
  Json& array(const char* key) { return json_[key] = Json::array(); }

  Json json_ = Json::object();
};

// The record's text.
template <typename T>
std::string write_json_record(const T& record) {
  return layout_json(RecordWriter::json_of(record));
}

}  // namespace cloister
