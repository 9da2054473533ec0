#include "attest/produce/sev_guest.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "attest/produce/attested_evidence.h"
#include "attest/produce/sev_guest_abi.h"
#include "attest/produce/system_file.h"
#include "attest/snp/report.h"

namespace cloister::attest {
namespace {

using namespace sev_guest;

constexpr uint32_t kTableBytes = 16 << 10;  // SEV_FW_BLOB_MAX_SIZE: the driver takes no more

std::string_view explain_request(int code) {
  switch (code) {
    case ENOTTY:
      return "the driver has disabled its key to the security processor: restart the guest";
    case EINVAL:
      return "the driver does not know the request";
    case ETIMEDOUT:
    case EAGAIN:
      return "the host throttles requests";
    default:
      return "";
  }
}

uint64_t address(const void* thing) {
  return reinterpret_cast<uintptr_t>(thing);
}

// The bare report out of the firmware's answer.
Result<std::vector<std::byte>> report_in(const ReportResponse& response) {
  if (response.status != 0) {
    return fail(
        Kind::kIo, "the security processor refused to make a report: status {:#x}{}",
        response.status,
        response.status == 0x16 ? " (no report of VMPL 0 below VMPL 0: use configfs-tsm)" : "");
  }
  if (response.report_size != kSnpReportBytes) {
    return invalid("report of {} bytes, want {}", response.report_size, kSnpReportBytes);
  }
  std::vector<std::byte> report(kSnpReportBytes);
  std::memcpy(report.data(), response.report, report.size());
  return report;
}

class SevGuest : public Attester {
 public:
  SevGuest(fs::path device, Ioctl ioctl) : device_(std::move(device)), ioctl_(std::move(ioctl)) {}

  EvidenceKind kind() const override { return EvidenceKind::kSnp; }
  std::string source() const override { return device_.string(); }

  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    const std::lock_guard lock(mutex_);
    const Descriptor device(::open(device_.c_str(), O_RDWR | O_CLOEXEC));
    if (device.get() < 0) return system_error(errno, "open", device_);

    ReportRequest request;
    std::memcpy(request.report_data, report_data.bytes.data(), sizeof(request.report_data));
    std::vector<std::byte> table(kTableBytes);
    const ExtendedReportRequest extended{request, address(table.data()), kTableBytes};
    ReportResponse response;
    auto asked = ask(device, kGetExtendedReport, &extended, response);
    if (!asked && asked.error().kind != Kind::kUnavailable) {
      // A host without certificates, or with more of them than the driver takes. The endorsements'
      // folder can stand in for them.
      table.clear();
      response = {};
      asked = ask(device, kGetReport, &request, response);
    }
    if (!asked) return std::unexpected(asked.error());
    TRY(report, report_in(response));
    return snp_shown(std::move(report), table, report_data);
  }

 private:
  Result<> ask(const Descriptor& device, unsigned long request, const void* body,
               ReportResponse& response) const {
    GuestRequest guest_request{.request = address(body), .response = address(&response)};
    if (ioctl_(device.get(), request, &guest_request) == 0) return {};
    const int code = errno;
    auto error = system_error(code, "ask for a report through", device_, explain_request).error();
    if (guest_request.host_error == kHostErrorBusy) error.kind = Kind::kUnavailable;
    error.message += fmt::format("; firmware error {:#x}, host error {:#x}",
                                 guest_request.firmware_error, guest_request.host_error);
    return std::unexpected(std::move(error));
  }

  const fs::path device_;
  const Ioctl ioctl_;
  std::mutex mutex_;
};

}  // namespace

int system_ioctl(int fd, unsigned long request, void* argument) {
  return ::ioctl(fd, request, argument);
}

Result<std::unique_ptr<Attester>> make_sev_guest(const fs::path& path, Ioctl ioctl) {
  const Descriptor device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (device.get() < 0) return system_error(errno, "open", path);
  return std::make_unique<SevGuest>(path, std::move(ioctl));
}

}  // namespace cloister::attest
