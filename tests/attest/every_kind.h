// Evidence of each kind there is, for tests that walk them all.
#pragma once

#include "tests/attest/case.h"

namespace cloister::attest::test {

// Good evidence, with a policy that accepts it.
Case example_of(EvidenceKind kind);

}  // namespace cloister::attest::test
