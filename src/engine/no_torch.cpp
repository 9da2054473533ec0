#include "engine/torch.h"

namespace cloister {

Result<std::unique_ptr<Engine>> make_torch(const TorchOptions& /*options*/) {
  return fail(Kind::kUnsupported,
              "this build of Cloister has no LibTorch: configure it with CLOISTER_TORCH=ON");
}

std::string torch_version() {
  return "";
}

}  // namespace cloister
