// What a page is made of.
#pragma once

#include "audit/record.h"
#include "plan/plan.h"
#include "profile/record.h"

namespace cloister::report {

// Records of one model; what is not at hand is null.
struct Records {
  const audit::AuditRecord* audit = nullptr;
  const profile::ProfileRecord* profile = nullptr;
  const plan::Plan* plan = nullptr;
};

// kInvalid, naming both, for records of different models; also where there is neither an audit nor
// a plan, or where the plan's positions lie outside of its candidates or its cut is not one of the
// profile's. Thread-safe.
Result<> check_records(const Records& records);

}  // namespace cloister::report
