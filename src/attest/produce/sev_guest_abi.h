// The part of /dev/sev-guest that is used here: include/uapi/linux/sev-guest.h, and the firmware's
// answer (SEV-SNP firmware ABI, MSG_REPORT_RSP). Our own, since distributions' kernel headers
// differ in the names of the first.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace cloister::attest::sev_guest {

struct GuestRequest {  // snp_guest_request_ioctl
  uint8_t message_version = 1;
  uint64_t request = 0;  // addresses
  uint64_t response = 0;
  uint32_t firmware_error = 0;
  uint32_t host_error = 0;  // of the hypervisor
};
static_assert(sizeof(GuestRequest) == 32);
static_assert(offsetof(GuestRequest, request) == 8);
static_assert(offsetof(GuestRequest, response) == 16);
static_assert(offsetof(GuestRequest, firmware_error) == 24);
static_assert(offsetof(GuestRequest, host_error) == 28);

inline constexpr uint32_t kHostErrorLength = 1;  // the certificates take more than was offered
inline constexpr uint32_t kHostErrorBusy = 2;

struct ReportRequest {  // snp_report_req
  uint8_t report_data[64] = {};
  uint32_t vmpl = 0;
  uint8_t reserved[28] = {};
};
static_assert(sizeof(ReportRequest) == 96);
static_assert(offsetof(ReportRequest, vmpl) == 64);

struct ExtendedReportRequest {  // snp_ext_report_req
  ReportRequest report;
  uint64_t certificates = 0;         // address
  uint32_t certificates_length = 0;  // whole pages
};
static_assert(sizeof(ExtendedReportRequest) == 112);
static_assert(offsetof(ExtendedReportRequest, certificates) == 96);
static_assert(offsetof(ExtendedReportRequest, certificates_length) == 104);

struct ReportResponse {  // snp_report_resp, with what the firmware puts there
  uint32_t status = 0;
  uint32_t report_size = 0;
  uint8_t reserved[24] = {};
  uint8_t report[3968] = {};
};
static_assert(sizeof(ReportResponse) == 4000);
static_assert(offsetof(ReportResponse, report) == 32);

inline constexpr unsigned long kGetReport = _IOWR('S', 0x0, GuestRequest);
inline constexpr unsigned long kGetExtendedReport = _IOWR('S', 0x2, GuestRequest);

}  // namespace cloister::attest::sev_guest
