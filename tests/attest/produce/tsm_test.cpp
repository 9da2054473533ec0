// configfs-tsm against a file system that behaves as the kernel's does. No SEV-SNP or TDX guest has
// run this.
#include "attest/produce/tsm.h"

#include <fstream>
#include <thread>

#include "attest/produce/system_file.h"
#include "attest/snp/report.h"
#include "tests/attest/dcap_world.h"
#include "tests/attest/expect.h"
#include "tests/attest/produce/fake_tsm.h"
#include "tests/attest/produce/host_table.h"
#include "tests/support/result.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::MadeUpFiles;
using cloister::test::value_of;

class TsmTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!mount.error().empty()) GTEST_SKIP() << mount.error();
    tsm.driver.make_report = [this](const std::string& inblob, unsigned level, std::string& report,
                                    std::string& auxblob) {
      if (!failures.empty()) {
        const int code = failures.back();
        failures.pop_back();
        return -code;
      }
      auto bytes = amd.report;
      set(bytes, kReportDataAt, as_bytes(inblob));
      set_little(bytes, kVmplAt, uint32_t{level});
      report = as_text(amd.signed_report(bytes));
      auxblob = as_text(table);
      return 0;
    };
  }

  std::unique_ptr<Attester> found() { return value_of(make_tsm(mount.path())); }
  AttestedEvidence produced() { return value_of(found()->produce(report_data)); }

  void make_tdx() {
    tsm.driver = {.name = "tdx_guest", .has_auxblob = false, .has_privilege_levels = false};
    tsm.driver.make_report = [this](const std::string& inblob, unsigned, std::string& report,
                                    std::string&) {
      set(intel.body, kTdReportDataAt, as_bytes(inblob));
      report = as_text(intel.make_quote());
      return 0;
    };
  }

  const Fixed<64> report_data = filler<64>("report data");
  SnpWorld amd;
  DcapWorld intel;
  std::vector<std::byte> table = table_of(amd);
  std::vector<int> failures;  // the last one first
  FakeTsm tsm;
  MadeUpFiles mount{tsm};
};

TEST_F(TsmTest, SnpReportsAreTrusted) {
  const auto producer = found();
  EXPECT_EQ(producer->kind(), EvidenceKind::kSnp);
  EXPECT_EQ(producer->source(), "configfs-tsm (sev_guest)");
  const AttestedEvidence shown = value_of(producer->produce(report_data));
  Case c = amd.make();
  const auto crl = blob(c.endorsements.blobs, kAmdCrl);  // no host hands it over
  c.evidence = shown.evidence;
  c.endorsements = shown.endorsements;
  blob(c.endorsements.blobs, kAmdCrl) = crl;
  expect_trusted(c);
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, TdxQuotesAreTrusted) {
  make_tdx();
  const auto producer = found();
  EXPECT_EQ(producer->kind(), EvidenceKind::kTdx);
  EXPECT_EQ(producer->source(), "configfs-tsm (tdx_guest)");
  const AttestedEvidence shown = value_of(producer->produce(report_data));
  EXPECT_TRUE(shown.endorsements.blobs.empty());
  Case c = intel.make();
  c.evidence = shown.evidence;
  c.expected.report_data = report_data;
  expect_trusted(c);
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, EachPieceOfEvidenceIsOverItsOwnData) {
  const auto producer = found();
  for (const char* label : {"one", "two", "three"}) {
    const auto data = filler<64>(label);
    const AttestedEvidence shown = value_of(producer->produce(data));
    EXPECT_EQ(value_of(parse_snp_report(shown.evidence.report)).report_data, data);
  }
  EXPECT_EQ(tsm.made, 4);  // and one to look who is there
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, HostsNeedNotHandOverCertificates) {
  table.clear();
  EXPECT_TRUE(produced().endorsements.blobs.empty());
  tsm.driver.has_auxblob = false;
  EXPECT_TRUE(produced().endorsements.blobs.empty());
  table = bytes_of("no table");
  tsm.driver.has_auxblob = true;
  expect_error(found()->produce(report_data), Kind::kInvalid, "certificate table: ");
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, AsksForVmplZeroOrTheLowestAllowed) {
  const auto vmpl = [&] { return value_of(parse_snp_report(produced().evidence.report)).vmpl; };
  EXPECT_EQ(vmpl(), 0u);
  tsm.driver.floor = 2;
  EXPECT_EQ(vmpl(), 2u);
  tsm.driver.floor = 0;
  tsm.driver.has_privilege_levels = false;
  EXPECT_EQ(vmpl(), 0u);
}

TEST_F(TsmTest, SaysWhatIsNotThere) {
  expect_error(make_tsm(mount.path() / "no" / "such"), Kind::kNotFound, "Linux 6.7");
  tsm.driver.name.clear();
  expect_error(make_tsm(mount.path()), Kind::kNotFound, "no guest driver is loaded");
  tsm.driver.name = "arm_cca_guest";
  expect_error(make_tsm(mount.path()), Kind::kUnsupported,
               "provider 'arm_cca_guest' in '" + mount.path().string());
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, TriesAgainWhatMayPass) {
  failures = {EINTR, ETIMEDOUT, EBUSY};
  EXPECT_EQ(produced().evidence.report.size(), 1184u);
  EXPECT_EQ(tsm.entries(), 0u);
  failures = std::vector<int>(100, EBUSY);
  expect_error(found()->produce(report_data), Kind::kUnavailable,
               "Device or resource busy (the host's quoting service does not answer)");
  EXPECT_EQ(failures.size(), 95u);
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, ErrorsSayWhatTheyMean) {
  const auto producer = found();
  const auto fails = [&](int code, Kind kind, const std::string& part) {
    failures = {code};
    expect_error(producer->produce(report_data), kind, part);
    EXPECT_EQ(tsm.entries(), 0u);
  };
  fails(EINVAL, Kind::kIo, "outblob': Invalid argument (the guest's driver refuses");
  fails(ENXIO, Kind::kNotFound, "unloaded, or the security processor refused");
  fails(EFBIG, Kind::kIo, "larger than the kernel passes on");
  fails(EIO, Kind::kIo, "the host or the security processor failed");
  fails(ENOMEM, Kind::kIo, "Cannot allocate memory");
}

TEST_F(TsmTest, NoticesWhoeverWritesToItsEntry) {
  const auto producer = found();
  tsm.before_report = [](FakeTsm& t) { t.interfere(std::string(64, 'x')); };
  EXPECT_TRUE(producer->produce(report_data));  // once: made again
  EXPECT_EQ(tsm.made, 3);
  // With as many writes taken back the generation is the same, the report is not.
  tsm.driver.make_report = [&](const std::string&, unsigned, std::string& report, std::string&) {
    auto bytes = amd.report;
    set(bytes, kReportDataAt, filler<64>("another").view());
    report = as_text(amd.signed_report(bytes));
    return 0;
  };
  expect_error(producer->produce(report_data), Kind::kInvalid, "SNP report: its report");
  EXPECT_EQ(tsm.entries(), 0u);
}

TEST_F(TsmTest, RefusesWhatIsNoReport) {
  const auto producer = found();
  tsm.driver.make_report = [&](const std::string&, unsigned, std::string& report, std::string&) {
    report = "no report";
    return 0;
  };
  expect_error(producer->produce(report_data), Kind::kInvalid, "SNP report: 9 bytes, want 1184");
  make_tdx();
  const auto tdx = found();
  tsm.driver.make_report = [&](const std::string&, unsigned, std::string& report, std::string&) {
    report = std::string((64 << 10) + 1, 'x');
    return 0;
  };
  expect_error(tdx->produce(report_data), Kind::kInvalid, "has more than 65536 bytes");
}

TEST_F(TsmTest, MayBeAskedByManyThreads) {
  const auto producer = found();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto data = filler<64>(std::to_string(i));
      const auto shown = producer->produce(data);
      ASSERT_TRUE(shown) << shown.error().message;
      EXPECT_EQ(value_of(parse_snp_report(shown->evidence.report)).report_data, data);
    });
  }
  threads.clear();
  EXPECT_EQ(tsm.entries(), 0u);
}

// That the stand-in is as strict as the kernel, or the tests above say little.
TEST_F(TsmTest, TheFakeRefusesWhatTheKernelRefuses) {
  const fs::path entry = mount.path() / "entry";
  ASSERT_TRUE(fs::create_directory(entry));
  const auto report_over = [&](const std::string& text) {
    std::ofstream(entry / "inblob") << text;
    return read_system_file(entry / "outblob", 4096);
  };
  expect_error(report_over(std::string(63, 'x')), Kind::kIo, "read '");  // not earlier
  EXPECT_EQ(value_of(report_over(std::string(64, 'x'))).size(), 1184u);
  std::ofstream too_much(entry / "inblob");
  too_much << std::string(65, 'x') << std::flush;
  EXPECT_FALSE(too_much);
  EXPECT_FALSE(std::ifstream(entry / "inblob"));
  EXPECT_FALSE(std::ofstream(entry / "outblob", std::ios::app));
  EXPECT_FALSE(fs::exists(entry / "nonsense"));
  EXPECT_TRUE(fs::remove(entry));
}

}  // namespace
}  // namespace cloister::attest::test
