// Who reaches a plain local endpoint: no Host or Origin crashes the check, and what it lets through
// is localhost, the name that was given, or an address of loopback, with the endpoint's port. A
// case is a Host, and behind a line's end an Origin.
#include <algorithm>
#include <cstdlib>

#include "client/host_allowlist.h"

using namespace cloister;

namespace {

void need(bool condition) {
  if (!condition) std::abort();
}

void check_own(std::string text) {
  const size_t colon = text.rfind(':');
  need(colon != std::string::npos);
  std::string port = text.substr(colon + 1);
  port.erase(0, port.find_first_not_of('0'));
  need(port == "8000");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::ranges::transform(host, host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (host == "localhost" || host == "proxy.lan") return;
  need(host.find_first_not_of("0123456789abcdef.:") == std::string::npos);
  need(host.starts_with("127.") || host.find(":127.") != std::string::npos || host.ends_with('1') ||
       host.find(":7f") != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const serving::HostAllowlist hosts =
      serving::HostAllowlist::make("127.0.0.1", {"proxy.lan"}).value();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  net::Request request{.fields = {{"Host", text.substr(0, end)}}};
  if (end != std::string::npos) request.fields.push_back({"Origin", text.substr(end + 1)});
  if (const auto refused = hosts.refusal(request, 8000)) {
    need(refused->status == 421 || (refused->status == 403 && request.fields.size() == 2));
    return 0;
  }
  check_own(request.fields[0].value);
  if (request.fields.size() == 1) return 0;
  need(request.fields[1].value.starts_with("http://"));
  check_own(request.fields[1].value.substr(7));
  return 0;
}
