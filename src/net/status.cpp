#include "net/status.h"

namespace cloister::net {

unsigned status_of(Kind kind) {
  switch (kind) {
    case Kind::kInvalid:
    case Kind::kUsage:
    case Kind::kUnsupported:
      return 400;
    case Kind::kRefused:
      return 403;
    case Kind::kNotFound:
      return 404;
    case Kind::kUnavailable:
      return 503;
    case Kind::kDeadline:
      return 504;
    case Kind::kIo:
    case Kind::kInternal:
      return 500;
  }
  return 500;
}

Kind kind_of(unsigned status) {
  switch (status) {
    case 401:
    case 403:
      return Kind::kRefused;
    case 404:
      return Kind::kNotFound;
    case 429:
    case 503:
      return Kind::kUnavailable;
    case 504:
      return Kind::kDeadline;
    default:
      return status >= 500 ? Kind::kInternal : Kind::kInvalid;
  }
}

}  // namespace cloister::net
