// configfs-tsm (Linux 6.7): reports of SEV-SNP guests and quotes of TDX guests through files.
#pragma once

#include "attest/produce/attester.h"

namespace cloister::attest {

// `folder` is /sys/kernel/config/tsm/report. kNotFound where it is not there or no driver stands
// behind it; kUnsupported for a driver that is not known.
Result<std::unique_ptr<Attester>> make_tsm(const std::filesystem::path& folder);

}  // namespace cloister::attest
