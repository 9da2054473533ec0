// A message of a shared-memory link: a call's inputs, a reply's outputs or its error
// (docs/formats/shared-memory.md). It lies in memory that the other side can change at any time, so
// what is read of it is fetched once and checked afterwards. All functions are thread-safe.
#pragma once

#include "tensor/tensor.h"

namespace cloister {

enum class FrameStatus : uint32_t {
  kTensors = 0,
  kInvalid = 1,  // the call does not fit the model
  kFailed = 2    // the model could not be run
};

struct Frame {
  FrameStatus status = FrameStatus::kTensors;
  std::string text;                 // of an error
  std::vector<TensorView> tensors;  // their elements lie in the area, and may still change
};

// Copies each byte once: what the compiler does with `to` afterwards is never read from `from`
// again.
void fetch(Bytes from, MutableBytes to);

// The bytes of a message with these tensors, of which only types and shapes are looked at.
Result<uint64_t> frame_bytes(const std::vector<TensorView>& tensors);

// Writes a message but for the elements of its tensors; these go where the result says, in order,
// aligned to 64 bytes. kInvalid when it does not fit into the area.
Result<std::vector<MutableBytes>> write_frame(MutableBytes area, uint64_t sequence,
                                              const std::vector<TensorView>& tensors);

// The same with the elements.
Result<> write_tensors(MutableBytes area, uint64_t sequence, const std::vector<Tensor>& tensors);

// A message without tensors; a long text is cut off.
void write_error(MutableBytes area, uint64_t sequence, FrameStatus status, std::string_view text);

// kInvalid for anything that write_frame and write_error do not write, or with another sequence
// number.
Result<Frame> read_frame(Bytes area, uint64_t sequence);

}  // namespace cloister
