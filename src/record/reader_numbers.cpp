// The kinds of fields that only records of measurements have; the trusted server reads none of
// these (library cloister_record_tools).
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "record/reader.h"

namespace cloister {
namespace {

// Whether it names a PNG file below the record's folder: "a/b.png", no way out, no surprises.
bool is_inner_png(std::string_view path) {
  if (path.empty() || path.size() > kShort || !path.ends_with(".png")) return false;
  const bool plain = std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  });
  if (!plain) return false;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    if (name.empty() || name.starts_with('.')) return false;
    start = end + 1;
  }
  return true;
}

}  // namespace

void RecordReader::reals(const char* key, std::vector<double>& out, size_t most, double lowest,
                         double highest) {
  with(key, [&](const Json& json) {
    out.clear();
    each_item(json, most,
              [&](const Json& item) { set_real(item, out.emplace_back(), lowest, highest); });
  });
}

void RecordReader::real_or_null(const char* key, double& out, double limit, double without) {
  with(key, [&](const Json& json) {
    if (json.is_null()) {
      out = without;
    } else {
      set_real(json, out, -limit, limit);
    }
  });
}

void RecordReader::picture(const char* key, std::string& out) {
  with(key, [&](const Json& json) {
    set_text(json, out, kShort);
    if (!error_ && !is_inner_png(out)) {
      wrong(json, "a PNG file below the record's folder, such as 'gallery/1.png'");
    }
  });
}

void RecordReader::positions(const char* key, std::vector<size_t>& out, size_t most) {
  with(key, [&](const Json& json) {
    if (json.is_null()) return;
    if (json.is_array() && json.empty()) return wrong(json, "null or positions");
    each_item(json, most, [&](const Json& item) {
      out.push_back(whole(item, out.empty() ? 0 : out.back() + 1, kMaxCount));
    });
  });
}

void RecordReader::numbers(const char* key, std::vector<std::pair<std::string, double>>& out,
                           size_t most) {
  with(key, [&](const Json& object) {
    if (!object.is_object() || object.size() > most) {
      return wrong(object, fmt::format("an object of at most {} numbers", most));
    }
    for (const auto& [name, value] : object.items()) {
      if (name.empty() || name.size() > kShort) {
        return complain(fmt::format("a name of {} bytes, want 1 to {}", name.size(), kShort));
      }
      auto& number = out.emplace_back(name, 0);
      below("." + printable(name, 40),
            [&, &value = value] { set_real(value, number.second, -kHuge, kHuge); });
    }
  });
}

void RecordReader::read_numbers(const std::string& name, const Json& json, size_t most,
                                const Limits& limits, std::vector<double>& out) {
  below("." + name, [&] {
    each_item(json, most, [&](const Json& item) {
      set_real(item, out.emplace_back(), limits.lowest, limits.highest);
    });
  });
}

}  // namespace cloister
