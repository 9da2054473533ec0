#include "client/host_allowlist.h"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>

#include "serving/error_response.h"

namespace cloister::serving {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr std::string_view kScheme = "http://";

using Ip = std::array<uint8_t, 16>;
constexpr Ip kAnyV6{};
constexpr Ip kAnyV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr Ip kLoopbackV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// IPv4 is mapped into IPv6.
std::optional<Ip> parse_ip(const std::string& text) {
  Ip ip = kAnyV6;
  if (::inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  ip = kAnyV4;
  if (::inet_pton(AF_INET, text.c_str(), ip.data() + 12) == 1) return ip;
  return std::nullopt;
}

bool is_loopback(const Ip& ip) {
  const bool v4 = std::equal(ip.begin(), ip.begin() + 12, kAnyV4.begin());
  return ip == kLoopbackV6 || (v4 && ip[12] == 127);
}

bool same_host(const std::string& a, const std::string& b) {
  const auto ip = parse_ip(a);
  return ip ? ip == parse_ip(b) : ::strcasecmp(a.c_str(), b.c_str()) == 0;
}

// HOST or HOST:PORT.
Result<Address> parse_authority(std::string_view text, uint16_t default_port) {
  if (auto whole = parse_address(text)) return whole;
  return parse_address(fmt::format("{}:{}", text, default_port));
}

}  // namespace

Result<HostAllowlist> HostAllowlist::make(const std::string& listen_host,
                                          const std::vector<std::string>& names) {
  HostAllowlist hosts;
  const auto listen_ip = parse_ip(listen_host);
  hosts.any_address_ = listen_ip == kAnyV4 || listen_ip == kAnyV6;
  if (!hosts.any_address_ && !same_host(listen_host, "localhost")) {
    hosts.own_.push_back({.host = listen_host});
  }
  hosts.own_.push_back({.host = "localhost"});
  for (const std::string& name : names) {
    auto parsed = parse_authority(name, 0);
    // An URL with a path, which parse_address() takes for a name.
    if (!parsed || parsed->host.find('/') != std::string::npos) {
      return fail(Kind::kUsage, "'{}' is not a host: want NAME or NAME:PORT", printable(name));
    }
    hosts.own_.push_back(std::move(*parsed));
  }
  return hosts;
}

std::optional<net::Response> HostAllowlist::refusal(const net::Request& request,
                                                    uint16_t port) const {
  const std::string* const host = request.fields.find("Host");
  if (host == nullptr || !has(*host, port)) {
    return with_status(
        421, {Kind::kRefused, fmt::format("Host is '{}', which is not this endpoint: want {}",
                                          host ? printable(*host) : "", text("", port))});
  }
  for (const net::Field& field : request.fields) {
    if (::strcasecmp(field.name.c_str(), "Origin") != 0) continue;
    const std::string_view origin = field.value;
    if (origin.starts_with(kScheme) && has(origin.substr(kScheme.size()), port)) continue;
    return error_response(
        {Kind::kRefused, fmt::format("Origin is '{}', a foreign web page: want {} or none",
                                     printable(origin), text(kScheme, port))});
  }
  return std::nullopt;
}

bool HostAllowlist::has(std::string_view authority, uint16_t port) const {
  // What compares names and addresses ends at a zero.
  if (authority.find('\0') != std::string_view::npos) return false;
  const auto found = parse_authority(authority, kHttpPort);
  if (!found) return false;
  const bool named = std::ranges::any_of(own_, [&](const Address& own) {
    return found->port == (own.port == 0 ? port : own.port) && same_host(own.host, found->host);
  });
  if (named || found->port != port) return named;
  const auto ip = parse_ip(found->host);
  return ip && (any_address_ || is_loopback(*ip));
}

std::string HostAllowlist::text(std::string_view before, uint16_t port) const {
  std::string all = any_address_ ? fmt::format("{}ADDRESS:{}", before, port) : std::string();
  for (const Address& own : own_) {
    const bool brackets = own.host.find(':') != std::string::npos;
    all += fmt::format("{}{}{}{}{}:{}", all.empty() ? "" : ", ", before, brackets ? "[" : "",
                       own.host, brackets ? "]" : "", own.port == 0 ? port : own.port);
  }
  return all;
}

}  // namespace cloister::serving
