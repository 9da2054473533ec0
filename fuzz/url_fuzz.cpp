// parse_url: no input crashes it, and what it accepts is written and read unchanged.
#include <cstdlib>

#include "net/client.h"

using namespace cloister::net;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto url = parse_url({reinterpret_cast<const char*>(data), size});
  if (!url) return 0;
  const auto again = parse_url(url_text(*url));
  if (!again || again->tls != url->tls || again->host != url->host || again->port != url->port ||
      again->path != url->path) {
    std::abort();
  }
  return 0;
}
