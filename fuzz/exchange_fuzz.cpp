// What is said before any input is sent: no input crashes its parsers, and what they accept is
// written and read unchanged.
#include <cstdlib>

#include "attest/exchange.h"

using namespace cloister::attest;

namespace {

template <typename Parse, typename Write>
void round_trip(std::string_view json, Parse parse, Write write) {
  const auto parsed = parse(json);
  if (!parsed) return;
  const std::string text = write(*parsed);
  const auto again = parse(text);
  if (!again || write(*again) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  round_trip(json, parse_request, write_request);
  round_trip(json, parse_statement, write_statement);
  round_trip(json, parse_reply, write_reply);
  return 0;
}
