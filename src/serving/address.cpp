#include "serving/address.h"

#include "base/parse_number.h"

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
  const auto port = parse_number<uint16_t>(port_text);
  if (host.empty() || !port) return wrong();
  return Address{.host = std::string(host), .port = *port};
}

}  // namespace cloister::serving
