// A trust policy to begin with, made of what a server showed.
#pragma once

#include "trust/appraise.h"

namespace cloister::attest {

// A policy that accepts what was shown, as narrowly as it can say: this measurement, these security
// versions, this chip, this bundle, this configuration. It only says what is there, and makes
// nothing of it good: whoever uses it must know by other means that the measurement is that of the
// right program. An audit is asked for as its own policy has it, where one was shown. Intel's
// collateral is never asked to be older than the default. kInvalid naming the check where one
// failed that no policy may pass, such as debugging, and that claims rest on: of evidence without
// certificates or collateral there is no draft. Thread-safe.
Result<TrustPolicy> draft_policy(const ExchangeReply& reply, const AppraisalResult& judgement);

}  // namespace cloister::attest
