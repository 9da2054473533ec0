#include <arpa/inet.h>

#include <algorithm>

#include "base/parse_number.h"
#include "net/client.h"

namespace cloister::net {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A DNS name or an IPv4 address.
Result<> check_name(std::string_view host) {
  if (host.empty()) return invalid("no host");
  if (host.size() > 253) return invalid("a host name of {} bytes, at most 253", host.size());
  const bool plain = std::ranges::all_of(
      host, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
  if (!plain) return invalid("host '{}' has forbidden characters", printable(host));
  if (host.starts_with('.') || host.find("..") != std::string_view::npos) {
    return invalid("host '{}' has an empty label", printable(host));
  }
  return {};
}

Result<> check_ipv6(const std::string& host) {
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, host.c_str(), &parsed) == 1) return {};
  return invalid("'{}' is no IPv6 address", printable(host));
}

Result<uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<uint16_t>(text);
  if (!port || *port == 0) {
    return invalid("port '{}' is not a number from 1 to 65535", printable(text));
  }
  return *port;
}

Result<> check_path(std::string_view path) {
  if (path.find('?') != std::string_view::npos) return invalid("a query ('?') has no use here");
  if (path.find('#') != std::string_view::npos) return invalid("a fragment ('#') has no use here");
  if (!std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f; })) {
    return invalid("path '{}' has forbidden characters", printable(path));
  }
  return {};
}

Result<Url> parse_parts(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return invalid("it begins with neither http:// nor https://");
  }
  const size_t slash = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, slash);
  url.path = text.substr(slash);
  TRY_OK(check_path(url.path));
  if (authority.find('@') != std::string_view::npos) return invalid("a user has no use here");
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return invalid("'[' without ']'");
    url.host = authority.substr(1, end - 1);
    TRY_OK(check_ipv6(url.host));
    authority.remove_prefix(end + 1);
    if (!authority.empty() && !authority.starts_with(':')) {
      return invalid("'{}' after the address", printable(authority));
    }
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    TRY_OK(check_name(url.host));
    authority.remove_prefix(colon);
  }
  if (!authority.empty()) {
    TRY(port, parse_port(authority.substr(1)));
    url.port = port;
  }
  return url;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  auto url = parse_parts(text);
  if (!url) return with_context(std::move(url).error(), "URL '" + printable(text) + "'");
  return url;
}

std::string url_text(const Url& url) {
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  const bool is_usual = url.port == (url.tls ? 443 : 80);
  return fmt::format("{}://{}{}{}{}{}", url.tls ? "https" : "http", is_ipv6 ? "[" : "", url.host,
                     is_ipv6 ? "]" : "", is_usual ? "" : fmt::format(":{}", url.port), url.path);
}

}  // namespace cloister::net
