// JSON from a peer, for the other files of oip: checked as a whole before anything is read from it,
// no key twice. A `prefix` ("input 'x': ", or nothing) opens every error.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "wire/oip.h"

namespace cloister::oip {

using JsonElement = simdjson::dom::element;

// Owns what its elements point into. Parsing takes up to 15 times the text's length in memory.
class JsonText {
 public:
  // Refuses what is not JSON to its end, and more than 64 levels.
  Result<JsonElement> parse(Bytes text);

 private:
  simdjson::dom::parser parser_;
};

// The members of an object. Those that are null count as absent: some clients send all they know.
class Members {
 public:
  static Result<Members> of(std::string prefix, JsonElement element);

  const std::string& prefix() const { return prefix_; }
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  std::optional<JsonElement> find(std::string_view key) const;
  Result<JsonElement> need(std::string_view key) const;
  Result<std::string> need_text(std::string_view key) const;
  // Empty when absent.
  Result<std::string> find_text(std::string_view key) const;
  // The items of an array, at most kMaxItems; none when absent.
  Result<std::vector<JsonElement>> find_items(std::string_view key) const;
  // {"binary_data": true, ...}: single values only; none when absent.
  Result<Parameters> find_parameters() const;

 private:
  std::string prefix_;
  std::vector<std::pair<std::string_view, JsonElement>> members_;  // by key
};

inline constexpr size_t kMaxItems = 1000;  // of tensors, members, parameters

// Its text, which is UTF-8: simdjson sees to that. `key` is what it is called in errors.
Result<std::string> text_of(std::string_view prefix, std::string_view key, JsonElement element);

// "7", "'text'", "an array": for errors.
std::string describe(JsonElement element);
std::string describe(const Parameter& parameter);

// Numbers of any kind, for floating-point types.
std::optional<double> as_double(JsonElement element);

// "input 'x': shape: 7, want an array"
std::unexpected<Error> wrong(std::string_view prefix, std::string_view key, JsonElement found,
                             std::string_view want);

}  // namespace cloister::oip
