// Reading records of our own from outside: nothing unknown, nothing twice, nothing of another type.
// Errors name the key, what was found and what is expected; all are kInvalid but the schema's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cloister::audit {

using Json = nlohmann::ordered_json;

// Refuses more than `max_bytes`, a key given twice and more than 16 levels.
Result<Json> parse_strict_json(std::string_view json, uint64_t max_bytes);

// `value` must be an object with exactly these keys; `key` is what it is called in errors.
Result<> check_keys(std::string_view key, const Json& value,
                    const std::vector<std::string_view>& keys);

// kUnsupported for another schema than `want`.
Result<> check_schema(const Json& root, std::string_view want);

Result<std::string> json_text(std::string_view key, const Json& value);
Result<bool> json_flag(std::string_view key, const Json& value);
Result<double> json_number(std::string_view key, const Json& value);  // finite
Result<uint64_t> json_count(std::string_view key, const Json& value, uint64_t most);
Result<std::vector<std::string>> json_texts(std::string_view key, const Json& value);

// "columns[3].name: 7, want a string"
std::unexpected<Error> wrong_json(std::string_view key, const Json& found, std::string_view want);

}  // namespace cloister::audit
