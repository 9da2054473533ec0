#include "audit/protocol/input_kinds.h"

namespace cloister::audit {
namespace {

// The rows of kInputKinds, in its order.
constexpr std::array kProtocols = {&kPictureProtocol, &kRowProtocol};
static_assert(kProtocols.size() == kInputKinds.size(), "an audit knows every kind of input");

}  // namespace

const InputProtocol& protocol_of(InputKind kind) {
  return *kProtocols[static_cast<size_t>(kind)];
}

}  // namespace cloister::audit
