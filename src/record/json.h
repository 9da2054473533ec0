// JSON from outside: nothing unknown, nothing twice, nothing of another type. Errors name the key,
// what was found and what is expected; all are kInvalid but the schema's. Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cloister {

// Only declared here: who looks into one includes <nlohmann/json.hpp>, which costs 4 s a file.
using Json = nlohmann::ordered_json;

// Refuses more than `max_bytes`, a key given twice, more than 1,000 keys in one object, more than
// 32 levels, and so many arrays and objects that they would cost far more memory than the text's
// length. Takes time in proportion to the text.
Result<Json> parse_strict_json(std::string_view json, uint64_t max_bytes);

// The text of a record, with a newline at its end: what is short stands on one line, and so do
// arrays of plain values however long. Numbers have the fewest digits that give them back exactly;
// what is not finite is null.
std::string layout_json(const Json& json);

// `value` must be an object with no keys but these, and with all of `required`; `key` is what it is
// called in errors.
Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys,
                    const std::vector<std::string_view>& required);
// With exactly these keys.
Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys);

// The root of a record must say {"schema": want}. kUnsupported for another one: a record of another
// version has other keys, so this is asked before they are.
Result<> check_schema(const Json& root, std::string_view want);

Result<std::string> json_text(std::string_view key, const Json& value);
Result<bool> json_flag(std::string_view key, const Json& value);
Result<double> json_number(std::string_view key, const Json& value);  // finite
Result<uint64_t> json_count(std::string_view key, const Json& value, uint64_t most);
Result<std::vector<std::string>> json_texts(std::string_view key, const Json& value);

// "columns[3].name: 7, want a string"
std::unexpected<Error> wrong_json(std::string_view key, const Json& found, std::string_view want);

}  // namespace cloister
