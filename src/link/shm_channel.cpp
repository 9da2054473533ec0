#include "link/shm_channel.h"

#include <algorithm>
#include <bit>

#include "link/shm_frame.h"
#include "link/shm_link.h"

namespace cloister {
namespace {

// A worker that is gone is noticed after this time: its bell does not ring, and a wait for both
// bell and socket is more than twice as slow.
constexpr std::chrono::milliseconds kBetweenLooks{20};
// Of an area, at most: more is asked for only by mistake.
constexpr uint64_t kMostArea = 1ULL << 40;

// Tensors have no names in calls and replies: they come in the worker's order.
Result<> check_order(std::string_view what, const std::vector<TensorSpec>& want,
                     const std::vector<TensorSpec>& got) {
  if (std::ranges::equal(want, got, {}, &TensorSpec::name, &TensorSpec::name)) return {};
  return invalid("its model's {}s are {}, want the order {}", what, spec_names(got),
                 spec_names(want));
}

// Few sizes, so that a channel serves many calls.
uint64_t area_for(uint64_t bytes) {
  constexpr uint64_t kLeast = 1 << 16;
  return std::bit_ceil(std::clamp(bytes, kLeast, kMostArea));
}

}  // namespace

Result<ShmSocket> ShmChannel::greet(const std::string& path, const WorkerModel& wanted,
                                    net::Clock::time_point deadline) {
  TRY(socket, ShmSocket::connect(path));
  TRY_OK(socket.send(kShmHello));
  TRY(answer, socket.receive(deadline));
  TRY(model, oip::parse_model_metadata(as_bytes(answer.text)));
  TRY_OK(check_worker_model(model, wanted));
  TRY_OK(check_order("input", wanted.specs.inputs, model.inputs));
  TRY_OK(check_order("output", wanted.specs.outputs, model.outputs));
  return std::move(socket);
}

Result<ShmChannel> ShmChannel::open(const std::string& path, const WorkerModel& wanted,
                                    uint64_t call_bytes, uint64_t reply_bytes,
                                    net::Clock::time_point deadline) {
  TRY(socket, greet(path, wanted, deadline));
  const uint64_t call_area = area_for(call_bytes);
  const uint64_t reply_area = area_for(reply_bytes);
  TRY(memory, ShmMemory::make(call_area, reply_area));
  TRY_OK(socket.send(fmt::format("memory {} {}", call_area, reply_area), memory.file()));
  TRY(answer, socket.receive(deadline));
  if (answer.text != "ok") {
    return fail(Kind::kInternal, "it refuses shared memory: {}", printable(answer.text));
  }
  return ShmChannel(std::move(socket), std::move(memory));
}

bool ShmChannel::has_room(uint64_t call_bytes, uint64_t reply_bytes) const {
  return call_bytes <= memory_.call_area().size() && reply_bytes <= memory_.reply_area().size();
}

Result<> ShmChannel::call(const std::vector<Tensor>& inputs, net::Clock::time_point deadline) {
  TRY_OK(write_tensors(memory_.call_area(), ++sequence_, inputs));
  const Bell reply = memory_.reply_bell();
  const uint32_t last = reply.count();
  memory_.call_bell().ring();
  while (!reply.wait(last, std::min(deadline, net::Clock::now() + kBetweenLooks))) {
    if (!is_open()) return fail(Kind::kUnavailable, "the worker closed the connection");
    if (net::Clock::now() >= deadline) return fail(Kind::kDeadline, "no answer in time");
  }
  return {};
}

}  // namespace cloister
