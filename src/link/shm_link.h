// A worker of ours on the same kernel, over memory that both have mapped: no bytes go through the
// kernel, and the worker computes on a call where it lies. Protocol: docs/formats/shared-memory.md;
// why it is built so: docs/design/018-shared-memory.md.
#pragma once

#include "link/idle.h"
#include "link/link.h"
#include "link/worker_model.h"

namespace cloister {

// What both ends say first.
inline constexpr char kShmHello[] = "cloister-shm/1";

struct ShmLinkOptions {
  std::string socket;  // the worker's path
  // Of a reply whose size is not known beforehand.
  uint64_t most_reply_bytes = 256 << 20;
};

class ShmChannel;

// A channel carries one call at a time, and is kept for later ones as long as its areas are large
// enough. One on which a call failed is given up: the worker may still be at it.
class ShmLink final : public Link {
 public:
  ShmLink(ShmLinkOptions options, WorkerModel model);
  ~ShmLink() override;

  const TensorSpecs& specs() const override { return model_.specs; }
  Result<std::vector<Tensor>> call(const std::vector<Tensor>& inputs, int64_t items,
                                   Seconds limit) override;
  Result<> probe(Seconds limit) override;

 private:
  Result<std::vector<Tensor>> take_outputs(const ShmChannel& channel, int64_t items) const;

  const ShmLinkOptions options_;
  const WorkerModel model_;
  Idle<ShmChannel> idle_;
};

}  // namespace cloister
