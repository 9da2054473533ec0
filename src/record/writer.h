#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <utility>

#include "base/words.h"
#include "record/fields.h"
#include "record/json.h"
#include "tensor/tensor.h"

namespace cloister {

// See fields.h. Strict both ways: what this makes, RecordReader takes. Not thread-safe.
class RecordWriter {
 public:
  static constexpr bool kReads = false;

  // Fills in `json`, an object.
  explicit RecordWriter(Json& json) : json_(json) {}

  void schema(const char* key, std::string_view word) { put(key, word); }
  void text(const char* key, const std::string& value, size_t) { put(key, value); }
  void text_or_null(const char* key, const std::string& value, size_t) {
    if (value.empty()) return put_null(key);
    put(key, value);
  }
  void text_or_empty(const char* key, const std::string& value, size_t) { put(key, value); }
  void choice(const char* key, const std::string& value, std::initializer_list<std::string_view>) {
    put(key, value);
  }
  void texts(const char* key, const std::vector<std::string>& values, size_t, size_t);
  void texts_or_empty(const char* key, const std::vector<std::string>& values, size_t, size_t) {
    texts(key, values, 0, 0);
  }
  void digest(const char* key, const std::string& value) { put(key, value); }
  void digest_or_null(const char* key, const std::string& value) { text_or_null(key, value, 0); }
  // Not written when there is nothing in them.
  void texts_if_any(const char* key, const std::vector<std::string>& values, size_t, size_t) {
    if (!values.empty()) texts(key, values, 0, 0);
  }
  void count_if_any(const char* key, const std::optional<uint64_t>& value, uint64_t) {
    if (value) put_unsigned(key, *value);
  }
  void dimensions_if_any(const char* key, const std::vector<int64_t>& value) {
    if (!value.empty()) dimensions(key, value);
  }
  void picture(const char* key, const std::string& value) { put(key, value); }
  template <typename T>
  void term(const char* key, const T& value) {
    put(key, to_string(value));
  }
  template <typename T, size_t N>
  void word(const char* key, const T& value, const Word<T> (&words)[N]) {
    put(key, word_of(words, value));
  }
  template <typename T>
  void terms(const char* key, const std::vector<T>& values, size_t) {
    std::vector<std::string> words;
    for (const T& value : values) words.emplace_back(to_string(value));
    texts(key, words, 0, 0);
  }
  void dtype(const char* key, DType value) { put(key, dtype_name(value)); }
  void shape(const char* key, const Shape& value);
  void dimensions(const char* key, const std::vector<int64_t>& value);
  void flag(const char* key, bool value);

  template <typename T>
  void integer(const char* key, T value, uint64_t, uint64_t) {
    if constexpr (std::signed_integral<T>) {
      put_signed(key, value);
    } else {
      put_unsigned(key, static_cast<uint64_t>(value));
    }
  }
  void real(const char* key, double value, double, double);
  void reals(const char* key, const std::vector<double>& values, size_t, double, double) {
    put_reals(key, values);
  }
  // What is not finite is null.
  void real_or_null(const char* key, double value, double, double);
  void optional(const char* key, const std::optional<double>& value, double, double) {
    if (!value) return put_null(key);
    real(key, *value, 0, 0);
  }
  void count_or_null(const char* key, const std::optional<uint64_t>& value, uint64_t) {
    if (!value) return put_null(key);
    put_unsigned(key, *value);
  }
  template <typename T>
  void optional(const char* key, const std::optional<T>& value) {
    if (!value) return put_null(key);
    object(key, *value);
  }
  template <typename T>
  void object(const char* key, const T& value) {
    RecordWriter inner(put_object(key));
    fields(inner, value);
  }
  template <typename Members>
  void group(const char* key, const Members& members) {
    RecordWriter inner(put_object(key));
    members(inner);
  }
  template <typename Members>
  void group_or_null(const char* key, bool is_there, const Members& members) {
    if (!is_there) return put_null(key);
    group(key, members);
  }
  template <typename T>
  void list(const char* key, const std::vector<T>& values, size_t) {
    Json& array = put_array(key);
    for (const T& value : values) {
      RecordWriter item(add_object(array));
      fields(item, value);
    }
  }
  void positions(const char* key, const std::vector<size_t>& values, size_t);
  template <typename T>
  void arrays(const char* key, const std::vector<T>& values, size_t) {
    RecordWriter inner(put_object(key));
    for (const T& array : values) inner.put_reals(array_name(array), array.values);
  }
  void numbers(const char* key, const std::vector<std::pair<std::string, double>>& values, size_t);
  void any(const char* key, const std::string& value, size_t);

 private:
  void put(std::string_view key, std::string_view text);
  void put_null(std::string_view key);
  void put_signed(std::string_view key, int64_t value);
  void put_unsigned(std::string_view key, uint64_t value);
  void put_reals(std::string_view key, const std::vector<double>& values);
  Json& put_object(std::string_view key);
  Json& put_array(std::string_view key);
  static Json& add_object(Json& array);

  Json& json_;
};

// Calls fill(object) for an empty object, and gives its text: laid out for people, or one line.
std::string with_new_json(const std::function<void(Json&)>& fill, bool one_line = false);
// With each value on a line of its own. kUnsupported for text that is not UTF-8.
Result<std::string> with_new_indented_json(const std::function<void(Json&)>& fill);

// The record's text.
template <typename T>
std::string write_json_record(const T& record) {
  return with_new_json([&](Json& json) {
    RecordWriter writer(json);
    fields(writer, record);
  });
}

// The record's text, as with_new_indented_json().
template <typename T>
Result<std::string> write_indented_record(const T& record) {
  return with_new_indented_json([&](Json& json) {
    RecordWriter writer(json);
    fields(writer, record);
  });
}

// The record's text on a line of its own, for logs.
template <typename T>
std::string write_json_line(const T& record) {
  return with_new_json(
      [&](Json& json) {
        RecordWriter writer(json);
        fields(writer, record);
      },
      true);
}

}  // namespace cloister
