#include "serving/address.h"

#include <charconv>

namespace cloister::serving {

Result<Address> parse_address(std::string_view text) {
  const auto wrong = [&] {
    return fail(Kind::kUsage, "'{}' is not an address: want HOST:PORT, as in 127.0.0.1:8000",
                printable(text));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  Address address{.host = std::string(host)};
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), address.port);
  if (host.empty() || port_text.empty() || error != std::errc() ||
      end != port_text.data() + port_text.size()) {
    return wrong();
  }
  return address;
}

}  // namespace cloister::serving
