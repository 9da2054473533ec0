#pragma once

#include <string>

#include "profile/record.h"

namespace cloister {

// What a profile found, for people.
std::string profile_text(const profile::ProfileRecord& record);

}  // namespace cloister
