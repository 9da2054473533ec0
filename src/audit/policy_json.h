// A leakage policy inside records that people write: plan-policy.json, trust-policy.json.
#pragma once

#include "record/json.h"

namespace cloister::audit {

// Puts the defaults for its metric under what the object at `key` says, if there is one. What is
// wrong in there is left to the reader to find. Not thread-safe for one record.
void fill_in_policy(Json& record, const char* key);

}  // namespace cloister::audit
