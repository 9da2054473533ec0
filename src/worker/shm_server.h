// The worker's end of shared-memory links (link/shm_link.h): a thread for each channel, which
// computes on calls where they lie, and has the results written where the other side reads them.
#pragma once

#include <list>
#include <mutex>
#include <thread>

#include "engine/engine.h"
#include "link/shm_memory.h"
#include "link/shm_socket.h"
#include "serving/metrics.h"

namespace cloister::serving {

struct ShmServerOptions {
  std::string socket;  // path; only this user may connect
  std::string model;   // name, version and platform, for whoever asks
  std::string version;
  std::string platform;
  std::string segment_sha256;       // bundle::segment_sha256; empty: none
  uint64_t most_bytes = 256 << 20;  // of an area
};

// Thread-safe. Who may connect is trusted not to change a call before it is answered: engines look
// at their inputs more than once.
class ShmServer {
 public:
  // `program` has the inputs and outputs of `specs`, in that order. It and `metrics` outlive the
  // server. Errors as ShmListener's.
  static Result<std::unique_ptr<ShmServer>> start(Program& program, TensorSpecs specs,
                                                  ShmServerOptions options, Metrics& metrics);
  // Answers the calls that it has, and ends.
  ~ShmServer();

 private:
  struct Channel;
  ShmServer(Program& program, TensorSpecs specs, ShmServerOptions options, Metrics& metrics);

  void accept();
  void serve(Channel& channel);
  Result<> converse(ShmSocket& socket);
  Result<ShmMemory> agree(ShmSocket& socket) const;
  void answer(const ShmMemory& memory, uint64_t sequence);
  Result<> compute(const ShmMemory& memory, uint64_t sequence);
  Result<> run_in_place(const std::vector<TensorView>& inputs, int64_t items, MutableBytes area,
                        uint64_t sequence);

  Program& program_;
  const TensorSpecs specs_;
  const ShmServerOptions options_;
  Metrics& metrics_;
  std::unique_ptr<ShmListener> listener_;
  std::atomic<bool> closing_ = false;
  std::atomic<bool> in_place_ = true;  // until an output has another shape than its spec promises
  std::mutex running_;                 // one call at a time, as the other ways to the body
  std::list<Channel> channels_;        // the acceptor's, while it runs
  std::thread acceptor_;               // last: it uses all of the above
};

}  // namespace cloister::serving
