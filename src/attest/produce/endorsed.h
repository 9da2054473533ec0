// Endorsements from a folder that the operator keeps up to date.
#pragma once

#include "attest/produce/attester.h"

namespace cloister::attest {

// `producer`, with the folder's files ("" is no folder) beside its evidence where it gives none of
// that name itself, and with the promises of producer.h kept: what leaves has the form that
// verifiers take, and errors are of the kinds listed there. kInvalid, kIo, kNotFound: what speaks
// against the folder now.
Result<std::unique_ptr<Attester>> with_endorsements(std::unique_ptr<Attester> producer,
                                                    const std::filesystem::path& folder);

}  // namespace cloister::attest
