// parse_npy: no input crashes it, and what it accepts survives write and parse unchanged.
#include <cstdlib>
#include <sstream>

#include "tensor/npy.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto first = parse_npy({reinterpret_cast<const std::byte*>(data), size});
  if (!first) return 0;
  std::ostringstream out;
  if (!write_npy(out, first->view())) std::abort();
  const auto again = parse_npy(as_bytes(out.str()));
  if (!again || again->dtype() != first->dtype() || again->shape() != first->shape() ||
      as_text(again->data()) != as_text(first->data())) {
    std::abort();
  }
  return 0;
}
