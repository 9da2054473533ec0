// /dev/sev-guest: SEV-SNP guests on kernels before configfs-tsm (Linux 5.19 to 6.6).
#pragma once

#include <functional>

#include "attest/produce/attester.h"

namespace cloister::attest {

// ::ioctl: -1 with errno for an error.
using Ioctl = std::function<int(int fd, unsigned long request, void* argument)>;
int system_ioctl(int fd, unsigned long request, void* argument);

// kNotFound where there is no such device.
Result<std::unique_ptr<Attester>> make_sev_guest(const std::filesystem::path& device,
                                                 Ioctl ioctl = system_ioctl);

}  // namespace cloister::attest
