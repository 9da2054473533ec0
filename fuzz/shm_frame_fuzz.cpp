// read_frame: no bytes crash it, all that it gives lies in the area, and is what write_frame lays
// out.
#include <cstdlib>
#include <functional>

#include "link/shm_frame.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes area(reinterpret_cast<const std::byte*>(data), size);
  uint64_t sequence = 0;
  if (size >= sizeof(sequence)) std::memcpy(&sequence, data, sizeof(sequence));
  const auto frame = read_frame(area, sequence);
  if (!frame || frame->status != FrameStatus::kTensors) return 0;
  for (const TensorView& tensor : frame->tensors) {
    const auto bytes = byte_count(tensor.dtype, tensor.shape);
    if (!bytes || *bytes != tensor.data.size()) std::abort();
    const std::byte* const begin = tensor.data.data();
    if (std::less<>()(begin, area.data()) ||
        std::less<>()(area.data() + size, begin + tensor.data.size())) {
      std::abort();
    }
  }
  std::vector<std::byte> again(size);
  const auto places = write_frame(again, sequence, frame->tensors);
  if (!places) std::abort();
  for (size_t i = 0; i < places->size(); ++i) {
    if ((*places)[i].data() - again.data() != frame->tensors[i].data.data() - area.data()) {
      std::abort();
    }
  }
  return 0;
}
