#include "link/shm_link.h"

#include "link/shm_channel.h"
#include "link/shm_frame.h"

namespace cloister {
namespace {

// Of a reply as promised; nothing where dimensions are free.
std::optional<uint64_t> reply_bytes(const std::vector<TensorSpec>& outputs, int64_t items) {
  std::vector<TensorView> views;
  for (const TensorSpec& spec : outputs) {
    views.push_back({.dtype = spec.dtype, .shape = dims_of(spec, items), .data = {}});
  }
  const auto bytes = frame_bytes(views);
  return bytes ? std::optional(*bytes) : std::nullopt;
}

// A copy, made after its type and shape were checked and before anything else is done with it.
Result<Tensor> take(const TensorView& found) {
  TRY(tensor, Tensor::uninitialized(found.dtype, found.shape));
  fetch(found.data, tensor.mutable_data());
  return std::move(tensor);
}

}  // namespace

ShmLink::ShmLink(ShmLinkOptions options, WorkerModel model)
    : options_(std::move(options)), model_(std::move(model)) {}

ShmLink::~ShmLink() = default;

Result<std::vector<Tensor>> ShmLink::call(const std::vector<Tensor>& inputs, int64_t items,
                                          Seconds limit) {
  const auto deadline = net::deadline_after(limit);
  const auto needed = frame_bytes(views_of(inputs));
  if (!needed) return fail(Kind::kUnsupported, "{}", needed.error().message);
  const uint64_t most =
      reply_bytes(model_.specs.outputs, items).value_or(options_.most_reply_bytes);
  auto channel = idle_.take(
      [&](const ShmChannel& kept) { return kept.is_open() && kept.has_room(*needed, most); });
  if (!channel) {
    TRY(opened, ShmChannel::open(options_.socket, model_, *needed, most, deadline));
    channel = std::make_unique<ShmChannel>(std::move(opened));
  }
  if (const auto called = channel->call(inputs, deadline); !called) {
    idle_.clear();
    return std::unexpected(called.error());
  }
  auto outputs = take_outputs(*channel, items);
  // What it says of itself is no lie: the channel is as good as before.
  if (outputs || outputs.error().kind == Kind::kInternal) idle_.keep(std::move(channel));
  return outputs;
}

Result<std::vector<Tensor>> ShmLink::take_outputs(const ShmChannel& channel, int64_t items) const {
  TRY(frame, read_frame(channel.reply(), channel.sequence()));
  if (frame.status != FrameStatus::kTensors) {
    return fail(Kind::kInternal, "{}", printable(frame.text, 1000));
  }
  if (frame.tensors.size() != model_.specs.outputs.size()) {
    return invalid("{} outputs, want {}", frame.tensors.size(), model_.specs.outputs.size());
  }
  for (size_t i = 0; i < frame.tensors.size(); ++i) {
    const TensorSpec& spec = model_.specs.outputs[i];
    const TensorView& found = frame.tensors[i];
    if (fits(spec, found.dtype, found.shape, {.items = items})) continue;
    return invalid("output '{}' is {}{}, want {}", printable(spec.name), dtype_name(found.dtype),
                   shape_text(found.shape), spec_text(spec, items));
  }
  std::vector<Tensor> outputs;
  for (const TensorView& found : frame.tensors) {
    TRY(output, take(found));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

Result<> ShmLink::probe(Seconds limit) {
  TRY(socket, ShmChannel::greet(options_.socket, model_, net::deadline_after(limit)));
  return {};
}

}  // namespace cloister
