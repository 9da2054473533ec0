// Kinds of errors as HTTP statuses (RFC 9110, section 15) and back: the one table of both ends.
#pragma once

#include "base/error.h"

namespace cloister::net {

// What a server answers an error of this kind with.
unsigned status_of(Kind kind);

// What an error status of a server means to who asked: 401 and 403 are kRefused, 429 is
// kUnavailable, other 4xx kInvalid, 5xx without a kind of their own kInternal.
Kind kind_of(unsigned status);

}  // namespace cloister::net
