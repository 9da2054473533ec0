#include "report/html.h"

#include <algorithm>

#include "base/error.h"

namespace cloister::report {
namespace {

std::string replace_letters(std::string_view text, std::string_view letters,
                            std::initializer_list<std::string_view> words) {
  std::string out;
  for (const char c : text) {
    const size_t at = letters.find(c);
    if (at == std::string_view::npos) {
      out += c;
    } else {
      out += words.begin()[at];
    }
  }
  return out;
}

}  // namespace

std::string escape(std::string_view text, size_t max_length) {
  return replace_letters(printable(text, max_length), "&<>\"'",
                         {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"});
}

std::string name(std::string_view text, size_t max_length) {
  return "<bdi>" + escape(text, max_length) + "</bdi>";
}

std::string fact(std::string_view term, const std::string& html) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", term, html);
}

std::string cell(std::string_view label, const std::string& html, std::string_view kind) {
  const std::string of_kind = kind.empty() ? "" : fmt::format(" class=\"{}\"", kind);
  return fmt::format("<td data-label=\"{}\"{}><div>{}</div></td>\n", label, of_kind, html);
}

std::string script_json(const nlohmann::ordered_json& json) {
  // All but ASCII is escaped, U+2028 too. Outside of strings JSON has none of these letters.
  const std::string text =
      json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  return replace_letters(text, "<>&", {"\\u003c", "\\u003e", "\\u0026"});
}

std::string base64(Bytes bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = (bits << 8) | (k < count ? static_cast<uint32_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += k <= count ? kDigits[(bits >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return out;
}

std::string fill(std::string_view text,
                 const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find("{{", at);
    const size_t close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) return out += text.substr(at);
    const std::string_view key = text.substr(open + 2, close - open - 2);
    const auto found = std::ranges::find_if(values, [&](const auto& v) { return v.first == key; });
    out += text.substr(at, open - at);
    if (found != values.end()) {
      out += found->second;
    } else {
      out += text.substr(open, close + 2 - open);
    }
    at = close + 2;
  }
  return out;
}

}  // namespace cloister::report
