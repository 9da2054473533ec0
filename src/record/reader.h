// Takes JSON that may be hostile apart, field by field; see fields.h.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "base/sha256.h"
#include "base/words.h"
#include "record/fields.h"
#include "record/json.h"
#include "tensor/tensor.h"

namespace cloister {

// Remembers the first error and fills in nothing after it. Not thread-safe.
class RecordReader {
 public:
  static constexpr bool kReads = true;

  // With kDefaults a key that is left out keeps the value that the record has: for records that
  // people write.
  enum class Missing { kIsAnError, kDefaults };
  explicit RecordReader(Missing missing = Missing::kIsAnError) : missing_(missing) {}

  // The object as a T; unknown and missing keys are errors.
  template <typename T>
  void read(const Json& json, T& out) {
    const std::optional<Outer> outer = enter(json);
    if (!outer) return;
    fields(*this, out);
    leave(json, *outer);
  }

  const std::optional<Error>& error() const { return error_; }

  void schema(const char* key, std::string_view want);
  void text(const char* key, std::string& out, size_t longest);
  void text_or_null(const char* key, std::string& out, size_t longest);
  void text_or_empty(const char* key, std::string& out, size_t longest);
  void choice(const char* key, std::string& out, std::initializer_list<std::string_view> words);
  void texts(const char* key, std::vector<std::string>& out, size_t most, size_t longest);
  // Each of which may be empty.
  void texts_or_empty(const char* key, std::vector<std::string>& out, size_t most, size_t longest);
  void digest(const char* key, std::string& out);
  void digest(const char* key, Digest& out);
  void digest_or_null(const char* key, std::string& out);
  // A key that the schema got later: left out, nothing is in it.
  void texts_if_any(const char* key, std::vector<std::string>& out, size_t most, size_t longest) {
    if_any(key, [&] { texts(key, out, most, longest); });
  }
  void count_if_any(const char* key, std::optional<uint64_t>& out, uint64_t highest) {
    if_any(key, [&] { count_or_null(key, out, highest); });
  }
  void dimensions_if_any(const char* key, std::vector<int64_t>& out) {
    if_any(key, [&] { dimensions(key, out); });
  }
  void picture(const char* key, std::string& out);
  template <typename T>
  void term(const char* key, T& out) {
    with(key, [&](const Json& json) { set_term(json, out); });
  }
  // A value with a table of words. Which fields follow may depend on it.
  template <typename T, size_t N>
  void word(const char* key, T& out, const Word<T> (&words)[N]) {
    with(key, [&](const Json& json) {
      set_parsed(json, [&](std::string_view text) { return value_of_word(words, text, out); });
    });
  }
  template <typename T>
  void terms(const char* key, std::vector<T>& out, size_t most) {
    with(key, [&](const Json& json) {
      out.clear();  // of what was there by default
      each_item(json, most, [&](const Json& item) { set_term(item, out.emplace_back()); });
    });
  }
  void dtype(const char* key, DType& out);
  void shape(const char* key, Shape& out);
  // As a shape, with -1 for what is not fixed.
  void dimensions(const char* key, std::vector<int64_t>& out);
  void flag(const char* key, bool& out);
  template <typename T>
  void integer(const char* key, T& out, uint64_t lowest, uint64_t highest) {
    with(key, [&](const Json& json) { out = static_cast<T>(whole(json, lowest, highest)); });
  }
  void real(const char* key, double& out, double lowest, double highest);
  void reals(const char* key, std::vector<double>& out, size_t most, double lowest, double highest);
  // Null stands for `without`, an infinity.
  void real_or_null(const char* key, double& out, double limit, double without);
  void optional(const char* key, std::optional<double>& out, double lowest, double highest);
  void count_or_null(const char* key, std::optional<uint64_t>& out, uint64_t highest);
  template <typename T>
  void optional(const char* key, std::optional<T>& out) {
    with(key, [&](const Json& json) {
      if (!is_null(json)) read(json, out.emplace());
    });
  }
  template <typename T>
  void object(const char* key, T& out) {
    with(key, [&](const Json& json) { read(json, out); });
  }
  // An object whose fields are members of the record itself; `members(io)` lists them. Even with
  // kDefaults none may be left out.
  template <typename Members>
  void group(const char* key, const Members& members) {
    with(key, [&](const Json& json) { read_group(json, members); });
  }
  // Null leaves the members as they are.
  template <typename Members>
  void group_or_null(const char* key, bool, const Members& members) {
    with(key, [&](const Json& json) {
      if (!is_null(json)) read_group(json, members);
    });
  }
  template <typename T>
  void list(const char* key, std::vector<T>& out, size_t most) {
    with(key, [&](const Json& json) {
      each_item(json, most, [&](const Json& item) { read(item, out.emplace_back()); });
    });
  }
  // As a list, but each T is an array of its fields' values, in their order and without their keys.
  template <typename T>
  void rows(const char* key, std::vector<T>& out, size_t most) {
    with(key, [&](const Json& json) {
      each_item(json, most, [&](const Json& item) {
        const std::optional<Outer> outer = enter_row(item);
        if (!outer) return;
        fields(*this, out.emplace_back());
        leave(item, *outer);
      });
    });
  }
  void positions(const char* key, std::vector<size_t>& out, size_t most);
  // An object of arrays of numbers, each a T of its own: `open_array(name, T&)` beside T gives the
  // limits of its `values`, or an error for a name that is not known.
  template <typename T>
  void arrays(const char* key, std::vector<T>& out, size_t most) {
    with(key, [&](const Json& json) {
      each_member(json, [&](const std::string& name, const Json& numbers) {
        T& array = out.emplace_back();
        const Result<Limits> limits = open_array(name, array);
        if (!limits) return complain(limits.error().message);
        read_numbers(name, numbers, most, *limits, array.values);
      });
    });
  }
  void numbers(const char* key, std::vector<std::pair<std::string, double>>& out, size_t most);
  // An object of any kind, as text.
  void any(const char* key, std::string& out, size_t longest);

 private:
  // What read() puts aside while it is in an object of an object.
  struct Outer {
    const Json* json;
    std::vector<std::string_view> keys;
  };
  using Use = std::function<void(const Json&)>;

  std::optional<Outer> enter(const Json& json);
  std::optional<Outer> enter_row(const Json& json);
  void leave(const Json& json, Outer outer);
  bool has(const char* key) const;
  static bool is_null(const Json& json);

  // Calls use(value) for the key's value, with the key on the path.
  void with(std::string_view key, const Use& use);
  // The value of the key that was named last, or in a row the one at its place; null: none.
  const Json* member() const;
  void each_item(const Json& json, size_t most, const Use& use);
  void each_member(const Json& json,
                   const std::function<void(const std::string&, const Json&)>& use);
  template <typename Do>
  void below(std::string_view step, const Do& work) {
    const size_t length = path_.size();
    path_ += step;
    work();
    if (!error_) path_.resize(length);
  }

  template <typename Read>
  void if_any(const char* key, const Read& read) {
    if (!error_ && has(key)) read();
  }
  template <typename Members>
  void read_group(const Json& json, const Members& members) {
    const std::optional<Outer> outer = enter(json);
    if (!outer) return;
    const Missing missing = std::exchange(missing_, Missing::kIsAnError);
    members(*this);
    leave(json, *outer);
    missing_ = missing;
  }
  template <typename Parse>
  void set_parsed(const Json& json, const Parse& parse) {
    std::string text;
    set_text(json, text, kShort);
    if (error_) return;
    if (const Result<> parsed = parse(text); !parsed) complain(parsed.error().message);
  }
  template <typename T>
  void set_term(const Json& json, T& out) {
    set_parsed(json, [&](std::string_view text) { return from_string(text, out); });
  }
  void set_text(const Json& json, std::string& out, size_t longest, size_t shortest = 1);
  void set_digest(const Json& json, std::string& out);
  void set_real(const Json& json, double& out, double lowest, double highest);
  void read_numbers(const std::string& name, const Json& json, size_t most, const Limits& limits,
                    std::vector<double>& out);
  uint64_t whole(const Json& json, uint64_t lowest, uint64_t highest);
  void refuse_unknown(const Json& json);
  void wrong(const Json& found, std::string_view want);
  void complain(std::string_view what, Kind kind = Kind::kInvalid);

  Missing missing_;
  const Json* json_ = nullptr;
  std::vector<std::string_view> keys_;  // of the object at hand, those that are known
  std::string path_;
  std::optional<Error> error_;
};

// Calls use(root) for the text's root, an object of that schema. kUnsupported for another version.
Result<> with_json_record(std::string_view json, std::string_view schema, uint64_t max_bytes,
                          const std::function<void(const Json&)>& use);

// The record that `json` holds: `fields` of T begin with its schema, which is `schema`. Errors name
// the field; kUnsupported for another version. kDefaults starts from `record`.
template <typename T>
Result<T> read_json_record(std::string_view json, std::string_view schema, uint64_t max_bytes,
                           RecordReader::Missing missing = RecordReader::Missing::kIsAnError,
                           T record = {}) {
  RecordReader reader(missing);
  TRY_OK(with_json_record(json, schema, max_bytes,
                          [&](const Json& root) { reader.read(root, record); }));
  if (reader.error()) return std::unexpected(*reader.error());
  return record;
}

}  // namespace cloister
