#include "link/shm_frame.h"

#include <algorithm>
#include <atomic>

#include "base/checked.h"

namespace cloister {
namespace {

struct Start {
  uint64_t sequence;
  uint32_t status;
  uint32_t head_bytes;  // that follow: descriptions of tensors, or an error's text
};
static_assert(sizeof(Start) == 16);

constexpr uint64_t kAlignment = 64;
constexpr uint32_t kMostHead = 64 << 10;
constexpr uint32_t kMostText = 1 << 10;
constexpr uint32_t kMostRank = 32;

Result<uint64_t> align(uint64_t bytes) {
  if (bytes > UINT64_MAX - kAlignment) return invalid("a message of {} bytes", bytes);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

uint64_t head_bytes(const std::vector<TensorView>& tensors) {
  uint64_t bytes = 0;
  for (const TensorView& tensor : tensors) bytes += 8 + 8 * tensor.shape.size();
  return bytes;
}

// Where the elements of each tensor begin, and, behind them, where the message ends.
Result<std::vector<uint64_t>> places_of(const std::vector<TensorView>& tensors) {
  const uint64_t head = head_bytes(tensors);
  if (head > kMostHead) return invalid("{} tensors are too many for a message", tensors.size());
  std::vector<uint64_t> places;
  uint64_t end = sizeof(Start) + head;
  for (const TensorView& tensor : tensors) {
    TRY(begin, align(end));
    TRY(bytes, byte_count(tensor.dtype, tensor.shape));
    const auto next = checked_add(begin, bytes);
    if (!next) return invalid("a message whose size overflows");
    places.push_back(begin);
    end = *next;
  }
  places.push_back(end);
  return places;
}

class Writer {
 public:
  explicit Writer(MutableBytes area) : rest_(area) {}

  template <typename T>
  void put(const T& value) {
    std::memcpy(rest_.data(), &value, sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
  }

 private:
  MutableBytes rest_;
};

Result<TensorView> read_tensor(Reader& head) {
  TRY(number, head.number<int32_t>());
  TRY(rank, head.number<uint32_t>());
  const auto dtype = dtype_from_onnx(number);
  if (!dtype || !is_portable(*dtype)) return invalid("a tensor of type {}", number);
  if (rank > kMostRank)
    return invalid("a tensor of {} dimensions, want at most {}", rank, kMostRank);
  TensorView tensor{.dtype = *dtype};
  for (uint32_t i = 0; i < rank; ++i) {
    TRY(dimension, head.number<int64_t>());
    tensor.shape.push_back(dimension);
  }
  return tensor;
}

}  // namespace

void fetch(Bytes from, MutableBytes to) {
  std::copy(from.begin(), from.end(), to.begin());
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

Result<uint64_t> frame_bytes(const std::vector<TensorView>& tensors) {
  TRY(places, places_of(tensors));
  return places.back();
}

Result<std::vector<MutableBytes>> write_frame(MutableBytes area, uint64_t sequence,
                                              const std::vector<TensorView>& tensors) {
  TRY(places, places_of(tensors));
  if (places.back() > area.size()) {
    return invalid("a message of {} bytes, and room for {}", places.back(), area.size());
  }
  Writer writer(area);
  writer.put(Start{.sequence = sequence,
                   .status = static_cast<uint32_t>(FrameStatus::kTensors),
                   .head_bytes = static_cast<uint32_t>(head_bytes(tensors))});
  std::vector<MutableBytes> elements;
  for (size_t i = 0; i < tensors.size(); ++i) {
    writer.put(static_cast<int32_t>(tensors[i].dtype));
    writer.put(static_cast<uint32_t>(tensors[i].shape.size()));
    for (const int64_t dimension : tensors[i].shape) writer.put(dimension);
    TRY(bytes, byte_count(tensors[i].dtype, tensors[i].shape));
    elements.push_back(area.subspan(places[i], bytes));
  }
  return elements;
}

Result<> write_tensors(MutableBytes area, uint64_t sequence, const std::vector<Tensor>& tensors) {
  TRY(places, write_frame(area, sequence, views_of(tensors)));
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::ranges::copy(tensors[i].data(), places[i].begin());
  }
  return {};
}

void write_error(MutableBytes area, uint64_t sequence, FrameStatus status, std::string_view text) {
  if (area.size() < sizeof(Start)) return;
  text = text.substr(0, std::min<size_t>(kMostText, area.size() - sizeof(Start)));
  Writer(area).put(Start{.sequence = sequence,
                         .status = static_cast<uint32_t>(status),
                         .head_bytes = static_cast<uint32_t>(text.size())});
  std::ranges::copy(as_bytes(text), area.begin() + sizeof(Start));
}

Result<Frame> read_frame(Bytes area, uint64_t sequence) {
  Start start{};
  if (area.size() < sizeof(Start)) return invalid("{} bytes are no message", area.size());
  fetch(area.first(sizeof(Start)), std::as_writable_bytes(std::span(&start, 1)));
  if (start.sequence != sequence) {
    return invalid("message {}, want {}", start.sequence, sequence);
  }
  const bool is_error = start.status != static_cast<uint32_t>(FrameStatus::kTensors);
  if (start.status > static_cast<uint32_t>(FrameStatus::kFailed)) {
    return invalid("a message of status {}", start.status);
  }
  const uint64_t most =
      std::min<uint64_t>(is_error ? kMostText : kMostHead, area.size() - sizeof(Start));
  if (start.head_bytes > most) {
    return invalid("a message's head of {} bytes, want at most {}", start.head_bytes, most);
  }
  std::vector<std::byte> head(start.head_bytes);
  fetch(area.subspan(sizeof(Start), head.size()), head);
  Frame frame{.status = static_cast<FrameStatus>(start.status)};
  if (is_error) {
    frame.text = as_text(head);
    return frame;
  }
  for (Reader reader(head); reader.left() > 0;) {
    TRY(tensor, read_tensor(reader));
    frame.tensors.push_back(std::move(tensor));
  }
  TRY(places, places_of(frame.tensors));
  if (places.back() > area.size()) {
    return invalid("a message of {} bytes in room for {}", places.back(), area.size());
  }
  for (size_t i = 0; i < frame.tensors.size(); ++i) {
    TensorView& tensor = frame.tensors[i];
    TRY(bytes, byte_count(tensor.dtype, tensor.shape));
    tensor.data = area.subspan(places[i], bytes);
  }
  return frame;
}

}  // namespace cloister
