// The kinds of fields that RecordReader takes.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "record/reader.h"

namespace cloister {

void RecordReader::text(const char* key, std::string& out, size_t longest) {
  with(key, [&](const Json& json) { set_text(json, out, longest); });
}

void RecordReader::text_or_null(const char* key, std::string& out, size_t longest) {
  with(key, [&](const Json& json) {
    if (!json.is_null()) set_text(json, out, longest);
  });
}

void RecordReader::text_or_empty(const char* key, std::string& out, size_t longest) {
  with(key, [&](const Json& json) { set_text(json, out, longest, 0); });
}

void RecordReader::count_or_null(const char* key, std::optional<uint64_t>& out, uint64_t highest) {
  with(key, [&](const Json& json) {
    out.reset();
    if (!json.is_null()) out = whole(json, 0, highest);
  });
}

void RecordReader::set_text(const Json& json, std::string& out, size_t longest, size_t shortest) {
  if (!json.is_string()) return wrong(json, "a string");
  const auto& text = json.get_ref<const std::string&>();
  if (text.size() < shortest || text.size() > longest) {
    return complain(fmt::format("{} bytes, want {} to {}", text.size(), shortest, longest));
  }
  out = text;
}

uint64_t RecordReader::whole(const Json& json, uint64_t lowest, uint64_t highest) {
  if (json.is_number_unsigned() && json.get<uint64_t>() >= lowest &&
      json.get<uint64_t>() <= highest) {
    return json.get<uint64_t>();
  }
  wrong(json, fmt::format("a whole number from {} to {}", lowest, highest));
  return lowest;
}

void RecordReader::schema(const char* key, std::string_view want) {
  with(key, [&](const Json& json) {
    std::string found;
    set_text(json, found, kShort);
    if (!error_ && found != want) {
      complain(fmt::format("'{}', want '{}'", printable(found, 40), want), Kind::kUnsupported);
    }
  });
}

void RecordReader::choice(const char* key, std::string& out,
                          std::initializer_list<std::string_view> words) {
  with(key, [&](const Json& json) {
    set_text(json, out, kShort);
    if (!error_ && std::ranges::find(words, out) == words.end()) {
      wrong(json, fmt::format("{}", fmt::join(words, ", ")));
    }
  });
}

void RecordReader::texts(const char* key, std::vector<std::string>& out, size_t most,
                         size_t longest) {
  out.clear();  // a policy's have defaults
  with(key, [&](const Json& json) {
    each_item(json, most, [&](const Json& item) { set_text(item, out.emplace_back(), longest); });
  });
}

void RecordReader::texts_or_empty(const char* key, std::vector<std::string>& out, size_t most,
                                  size_t longest) {
  with(key, [&](const Json& json) {
    out.clear();
    each_item(json, most,
              [&](const Json& item) { set_text(item, out.emplace_back(), longest, 0); });
  });
}

void RecordReader::set_digest(const Json& json, std::string& out) {
  set_text(json, out, kShort);
  const bool good = out.size() == 64 && std::ranges::all_of(out, [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!error_ && !good) wrong(json, "64 digits 0 to 9, a to f");
}

void RecordReader::digest(const char* key, std::string& out) {
  with(key, [&](const Json& json) { set_digest(json, out); });
}

void RecordReader::digest(const char* key, Digest& out) {
  std::string hex;
  digest(key, hex);
  if (hex.size() != 2 * out.size() || error_) return;
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::byte>(16 * nibble(hex[2 * i]) + nibble(hex[2 * i + 1]));
  }
}

void RecordReader::digest_or_null(const char* key, std::string& out) {
  with(key, [&](const Json& json) {
    if (!json.is_null()) set_digest(json, out);
  });
}

void RecordReader::dtype(const char* key, DType& out) {
  with(key, [&](const Json& json) {
    for (int32_t number = 0; number < 64; ++number) {
      const auto type = dtype_from_onnx(number);
      if (type && json == dtype_name(*type)) {
        out = *type;
        return;
      }
    }
    wrong(json, "a type of elements such as \"f32\"");
  });
}

void RecordReader::shape(const char* key, Shape& out) {
  with(key, [&](const Json& json) {
    each_item(json, 64, [&](const Json& item) {
      out.push_back(static_cast<int64_t>(whole(item, 0, static_cast<uint64_t>(kMaxDimension))));
    });
  });
}

void RecordReader::dimensions(const char* key, std::vector<int64_t>& out) {
  with(key, [&](const Json& json) {
    each_item(json, 64, [&](const Json& item) {
      const bool is_free = item.is_number_integer() && item == -1;
      out.push_back(
          is_free ? -1
                  : static_cast<int64_t>(whole(item, 0, static_cast<uint64_t>(kMaxDimension))));
    });
  });
}

void RecordReader::flag(const char* key, bool& out) {
  with(key, [&](const Json& json) {
    if (!json.is_boolean()) return wrong(json, "true or false");
    out = json.get<bool>();
  });
}

void RecordReader::any(const char* key, std::string& out, size_t longest) {
  with(key, [&](const Json& json) {
    if (!json.is_object()) return wrong(json, "an object");
    out = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (out.size() > longest) {
      complain(fmt::format("{} bytes, want at most {}", out.size(), longest));
    }
  });
}

void RecordReader::real(const char* key, double& out, double lowest, double highest) {
  with(key, [&](const Json& json) { set_real(json, out, lowest, highest); });
}

void RecordReader::optional(const char* key, std::optional<double>& out, double lowest,
                            double highest) {
  with(key, [&](const Json& json) {
    if (!json.is_null()) set_real(json, out.emplace(), lowest, highest);
  });
}

void RecordReader::set_real(const Json& json, double& out, double lowest, double highest) {
  const double value = json.is_number() ? json.get<double>() : std::nan("");
  if (!(value >= lowest && value <= highest)) {
    const bool any = lowest <= -kHuge && highest >= kHuge;
    return wrong(json, any ? "a number" : fmt::format("a number from {} to {}", lowest, highest));
  }
  out = value;
}

}  // namespace cloister
