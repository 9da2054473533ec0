// Text that comes from outside, made fit for a page. Pure functions, thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"

namespace cloister::report {

// For text between tags and for attributes in double quotes. Controls and invalid UTF-8 become
// \xNN, and what is longer than `max_length` bytes ends in "...".
std::string escape(std::string_view text, size_t max_length = 400);

// The same in <bdi>: a name must not turn the direction of what stands around it.
std::string name(std::string_view text, size_t max_length = 400);

// A term and its description, for a <dl>; `html` is HTML.
std::string fact(std::string_view term, const std::string& html);

// A cell of a table that becomes a list where the page is narrow: `label` names the column there.
// `html` is HTML, `kind` a class or empty.
std::string cell(std::string_view label, const std::string& html, std::string_view kind = "");

// JSON for a <script type="application/json">: nothing in it can end the element.
std::string script_json(const nlohmann::ordered_json& json);

std::string base64(Bytes bytes);

// `text` with each {{key}} replaced by its value, once: values are not looked at again. A key
// without a value stays.
std::string fill(std::string_view text,
                 const std::vector<std::pair<std::string_view, std::string>>& values);

}  // namespace cloister::report
