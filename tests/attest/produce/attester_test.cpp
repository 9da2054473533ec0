#include "attest/produce/attester.h"

#include "base/file.h"
#include "tests/attest/expect.h"
#include "tests/attest/produce/fake_tsm.h"
#include "tests/attest/produce/host_table.h"
#include "tests/support/result.h"
#include "tests/support/swtpm.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::MadeUpFiles;
using cloister::test::Swtpm;
using cloister::test::TempDir;
using cloister::test::value_of;

// A machine with nothing on it.
AttesterOptions nothing() {
  return {.tsm = "/nonexistent/tsm",
          .gramine = "/nonexistent/attestation",
          .sev_guest = "/nonexistent/sev-guest",
          .tpm = "swtpm:path=/nonexistent/tpm"};
}

AttesterOptions with(AttesterOptions options, Source source) {
  options.source = source;
  return options;
}

TEST(Source, HasWords) {
  for (const std::string text :
       {"auto", "tsm", "gramine", "sev-guest", "azure", "tpm", "simulated"}) {
    Source source = Source::kAuto;
    ASSERT_TRUE(from_string(text, source));
    EXPECT_EQ(to_string(source), text);
  }
  Source source = Source::kAuto;
  expect_error(from_string("sgx", source), Kind::kUsage,
               "'sgx', want auto, tsm, gramine, sev-guest, azure, tpm, simulated");
}

TEST(FindProducer, WithoutAnEnvironmentItIsSimulated) {
  const auto producer = value_of(find_attester(nothing()));
  EXPECT_EQ(producer->kind(), EvidenceKind::kSimulated);
  // And says why.
  for (const char* part : {"simulated: tsm: ", "; gramine: ", "; sev-guest: "}) {
    EXPECT_THAT(producer->source(), testing::HasSubstr(part));
  }
  Case c;
  c.evidence = value_of(producer->produce(filler<64>("asked"))).evidence;
  c.expected.report_data = filler<64>("asked");
  c.policy.accept_simulated = true;
  c.now = test_time();
  expect_trusted(c);
}

TEST(FindProducer, WhatIsNamedHasToBeThere) {
  const auto fails = [](Source source, const std::string& part) {
    expect_error(find_attester(with(nothing(), source)), Kind::kUnavailable, part);
  };
  fails(Source::kTsm, "tsm: can't make an entry in '/nonexistent/tsm'");
  fails(Source::kGramine, "gramine: can't open '/nonexistent/attestation/attestation_type'");
  fails(Source::kSevGuest, "sev-guest: can't open '/nonexistent/sev-guest'");
  fails(Source::kAzure, "azure: can't reach a TPM at 'swtpm:path=/nonexistent/tpm'");
  fails(Source::kTpm, "tpm: can't reach a TPM at 'swtpm:path=/nonexistent/tpm'");
  EXPECT_EQ(value_of(find_attester(with(nothing(), Source::kSimulated)))->source(), "simulated");
}

TEST(FindProducer, TheFolderOfEndorsementsHasToBeGood) {
  AttesterOptions options = with(nothing(), Source::kSimulated);
  options.endorsements = "/nonexistent/endorsements";
  expect_error(find_attester(options), Kind::kNotFound, "endorsements in '/nonexistent/");
  const TempDir dir;
  options.endorsements = dir.path();
  EXPECT_TRUE(find_attester(options));
  ASSERT_TRUE(write_file(dir / "vek.der", "x"));
  expect_error(find_attester(options), Kind::kInvalid, "endorsement 'vek', want none");
}

TEST(FindProducer, ATpmIsUsedWhereItIsNamedOnly) {
  SKIP_WITHOUT_SWTPM();
  const Swtpm tpm;
  AttesterOptions options = nothing();
  options.tpm = tpm.tcti();
  EXPECT_EQ(value_of(find_attester(options))->kind(), EvidenceKind::kSimulated);
  EXPECT_EQ(value_of(find_attester(with(options, Source::kTpm)))->kind(), EvidenceKind::kTpm);
  // A TPM, and none of Azure's.
  expect_error(find_attester(with(options, Source::kAzure)), Kind::kUnavailable, "azure: ");
}

class FindTsm : public testing::Test {
 protected:
  void SetUp() override {
    if (!mount.error().empty()) GTEST_SKIP() << mount.error();
    options.tsm = mount.path();
  }
  FakeTsm tsm;
  MadeUpFiles mount{tsm};
  AttesterOptions options = nothing();
};

TEST_F(FindTsm, ComesFirst) {
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "sev-guest", ""));
  options.sev_guest = dir / "sev-guest";
  EXPECT_EQ(value_of(find_attester(options))->source(), "configfs-tsm (sev_guest)");
  tsm.driver.name.clear();
  EXPECT_EQ(value_of(find_attester(options))->source(), options.sev_guest);
}

TEST_F(FindTsm, WhatIsNotKnownIsNotPassedOver) {
  tsm.driver.name = "arm_cca_guest";
  expect_error(find_attester(options), Kind::kUnsupported, "tsm: provider 'arm_cca_guest'");
  tsm.driver.name = "";
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "attestation_type", "epid"));
  options.gramine = dir.path();
  expect_error(find_attester(options), Kind::kUnsupported, "gramine: ");
}

TEST_F(FindTsm, EndorsementsMakeEvidenceWhole) {
  const SnpWorld amd;
  Case c = amd.make();
  tsm.driver.make_report = [&](const std::string& inblob, unsigned, std::string& report,
                               std::string& auxblob) {
    auto bytes = amd.report;
    set(bytes, kReportDataAt, as_bytes(inblob));
    report = as_text(amd.signed_report(bytes));
    auxblob = as_text(table_of(amd));
    return 0;
  };
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "amd_crl.der", as_text(blob(c.endorsements.blobs, kAmdCrl))));
  options.endorsements = dir.path();
  const auto producer = value_of(find_attester(options));
  const AttestedEvidence shown = value_of(producer->produce(filler<64>("asked")));
  c.evidence = shown.evidence;
  c.endorsements = shown.endorsements;
  c.expected.report_data = filler<64>("asked");
  expect_trusted(c);
  tsm.driver.name.clear();
  expect_error(producer->produce({}), Kind::kUnavailable, "configfs-tsm (sev_guest): ");
}

}  // namespace
}  // namespace cloister::attest::test
