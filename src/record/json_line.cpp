#include "record/json_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace cloister {
namespace {

// An array or an object that is not closed yet.
struct Open {
  bool array;
  size_t path_size;  // what it is called itself
  size_t items = 0;
};

// Of the string that begins at `begin`, the place of the closing quote.
size_t end_of_string(std::string_view json, size_t begin) {
  size_t at = begin + 1;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return std::min(at, json.size());
}

}  // namespace

std::optional<size_t> json_line(std::string_view json, std::string_view field) {
  std::vector<Open> open;
  std::string path;
  size_t line = 1;
  bool begins = false;  // a key or an item comes next
  for (size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '\n') ++line;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == ']' || c == '}') {
      if (open.empty()) return std::nullopt;
      path.resize(open.back().path_size);
      open.pop_back();
      begins = false;
      continue;
    }
    if (begins && !open.empty()) {
      begins = false;
      Open& in = open.back();
      path.resize(in.path_size);
      if (in.array) {
        path += fmt::format("[{}]", in.items++);
      } else {
        if (!path.empty()) path += '.';
        path += json.substr(at, end_of_string(json, at) - at).substr(1);
      }
      if (path == field) return line;
    }
    if (c == '"') {
      at = end_of_string(json, at);
    } else if (c == '[' || c == '{') {
      open.push_back({c == '[', path.size()});
      begins = true;
    } else if (c == ',') {
      begins = true;
    }
  }
  return std::nullopt;
}

}  // namespace cloister
