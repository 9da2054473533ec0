// The trusted end of one channel to a worker: a socket, and the memory of one call at a time. Not
// thread-safe.
#pragma once

#include "link/shm_memory.h"
#include "link/shm_socket.h"
#include "link/worker_model.h"

namespace cloister {

class ShmChannel {
 public:
  // Connects, and compares the worker's model. Errors as Link's, but for its calls.
  static Result<ShmSocket> greet(const std::string& path, const WorkerModel& wanted,
                                 net::Clock::time_point deadline);
  // The same, and gives the worker memory with areas of at least these sizes.
  static Result<ShmChannel> open(const std::string& path, const WorkerModel& wanted,
                                 uint64_t call_bytes, uint64_t reply_bytes,
                                 net::Clock::time_point deadline);

  bool has_room(uint64_t call_bytes, uint64_t reply_bytes) const;
  // Whether the worker is at the other end.
  bool is_open() const { return socket_.is_quiet(); }

  // Copies the inputs into the area, and waits until the worker has rung. Errors as Link's.
  Result<> call(const std::vector<Tensor>& inputs, net::Clock::time_point deadline);
  // The number of the last call, which its reply must have.
  uint64_t sequence() const { return sequence_; }
  Bytes reply() const { return memory_.reply_area(); }

 private:
  ShmChannel(ShmSocket socket, ShmMemory memory)
      : socket_(std::move(socket)), memory_(std::move(memory)) {}

  ShmSocket socket_;
  ShmMemory memory_;
  uint64_t sequence_ = 0;
};

}  // namespace cloister
