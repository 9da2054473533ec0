// /dev/sev-guest with a driver of the test's own: what is sent, and what becomes of its answers. No
// SEV-SNP guest has run this.
#include "attest/produce/sev_guest.h"

#include <cerrno>
#include <cstring>

#include "attest/produce/sev_guest_abi.h"
#include "base/file.h"
#include "tests/attest/expect.h"
#include "tests/attest/produce/host_table.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister::attest::test {
namespace {

using namespace sev_guest;
using cloister::test::expect_error;
using cloister::test::TempDir;
using cloister::test::value_of;

class SevGuestTest : public testing::Test {
 protected:
  SevGuestTest() { EXPECT_TRUE(write_file(device, "")); }

  std::unique_ptr<Attester> found() {
    return value_of(make_sev_guest(device, [this](int fd, unsigned long request, void* argument) {
      EXPECT_GE(fd, 0);
      const int code = answer(request, *static_cast<GuestRequest*>(argument));
      errno = code;
      return code == 0 ? 0 : -1;
    }));
  }

  int answer(unsigned long request, GuestRequest& guest_request) {
    asked.push_back(request);
    EXPECT_EQ(guest_request.message_version, 1);
    ReportRequest report_request;
    if (request == kGetExtendedReport) {
      auto* const extended = reinterpret_cast<ExtendedReportRequest*>(guest_request.request);
      report_request = extended->report;
      EXPECT_EQ(extended->certificates_length % 4096, 0u);
      if (table.size() > extended->certificates_length) {
        extended->certificates_length = 0x10000;
        guest_request.host_error = kHostErrorLength;
        return EIO;
      }
      std::memcpy(reinterpret_cast<void*>(extended->certificates), table.data(), table.size());
    } else {
      EXPECT_EQ(request, kGetReport);
      report_request = *reinterpret_cast<const ReportRequest*>(guest_request.request);
    }
    if (failure != 0) {
      guest_request.host_error = host_error;
      return failure;
    }
    EXPECT_EQ(report_request.vmpl, 0u);
    auto& response = *reinterpret_cast<ReportResponse*>(guest_request.response);
    auto report = amd.report;
    set(report, kReportDataAt, std::as_bytes(std::span(report_request.report_data)));
    report = amd.signed_report(report);
    response.status = status;
    response.report_size = report_size;
    std::memcpy(response.report, report.data(), report.size());
    return 0;
  }

  const TempDir dir;
  const fs::path device = dir / "sev-guest";
  const Fixed<64> report_data = filler<64>("report data");
  SnpWorld amd;
  std::vector<std::byte> table = table_of(amd);
  int failure = 0;
  uint32_t host_error = 0;
  uint32_t status = 0;
  uint32_t report_size = 1184;
  std::vector<unsigned long> asked;
};

TEST_F(SevGuestTest, ReportsAreTrusted) {
  const auto producer = found();
  EXPECT_EQ(producer->kind(), EvidenceKind::kSnp);
  const AttestedEvidence shown = value_of(producer->produce(report_data));
  Case c = amd.make();
  const auto crl = blob(c.endorsements.blobs, kAmdCrl);
  c.evidence = shown.evidence;
  c.endorsements = shown.endorsements;
  blob(c.endorsements.blobs, kAmdCrl) = crl;
  expect_trusted(c);
  EXPECT_EQ(asked, std::vector{kGetExtendedReport});
}

TEST_F(SevGuestTest, HostsMayHaveNoCertificatesOrTooMany) {
  table.clear();
  EXPECT_TRUE(value_of(found()->produce(report_data)).endorsements.blobs.empty());
  table.resize(20 << 10);
  asked.clear();
  const AttestedEvidence shown = value_of(found()->produce(report_data));
  EXPECT_TRUE(shown.endorsements.blobs.empty());
  EXPECT_EQ(shown.evidence.report.size(), 1184u);
  EXPECT_EQ(asked, (std::vector{kGetExtendedReport, kGetReport}));
}

TEST_F(SevGuestTest, ErrorsSayWhatTheyMean) {
  failure = ENOTTY;
  expect_error(found()->produce(report_data), Kind::kIo, "restart the guest");
  failure = EIO;
  host_error = kHostErrorBusy;
  expect_error(found()->produce(report_data), Kind::kUnavailable, "host error 0x2");
  failure = 0;
  status = 0x16;
  expect_error(found()->produce(report_data), Kind::kIo, "use configfs-tsm");
  status = 0;
  report_size = 4000;
  expect_error(found()->produce(report_data), Kind::kInvalid, "report of 4000 bytes, want 1184");
}

TEST_F(SevGuestTest, SaysThatThereIsNoDevice) {
  expect_error(make_sev_guest(dir / "nothing"), Kind::kNotFound, "nothing': No such file");
  // What is there and no such device says so when it is asked.
  expect_error(value_of(make_sev_guest(device))->produce(report_data), Kind::kIo,
               "Inappropriate ioctl");
}

}  // namespace
}  // namespace cloister::attest::test
