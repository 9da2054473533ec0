#include "audit/attack/input_kinds.h"

#include <algorithm>

namespace cloister::audit {
namespace {

// The rows of kInputKinds, in its order.
constexpr std::array kOperations = {&kPictureOperations, &kRowOperations};
static_assert(kOperations.size() == kInputKinds.size(), "attackers know every kind of input");

}  // namespace

const InputOperations& operations_of(InputKind kind) {
  return *kOperations[static_cast<size_t>(kind)];
}

}  // namespace cloister::audit
