// Gramine's files, made up as libos/src/fs/dev/attestation.c does. No enclave has run this.
#include "attest/produce/gramine.h"

#include <map>
#include <thread>

#include "attest/dcap/quote.h"
#include "tests/attest/dcap_world.h"
#include "tests/attest/expect.h"
#include "tests/support/made_up_files.h"
#include "tests/support/result.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::MadeUpFiles;
using cloister::test::value_of;

// One place for user_report_data, for everybody.
class FakeGramine : public cloister::test::FileMaker {
 public:
  mode_t mode(const std::string& path) override {
    if (path == "/") return S_IFDIR | 0755;
    if (path == "/attestation_type") return S_IFREG | 0444;
    if (path == "/user_report_data") return S_IFREG | 0666;
    return path == "/quote" && type != "none" ? S_IFREG | 0444 : 0;
  }
  int read(const std::string& path, std::string& content) override {
    if (path == "/attestation_type") content = type;
    if (path == "/user_report_data") content = data;
    if (path != "/quote") return 0;
    if (broken) return -EACCES;
    set(world.body, kSgxReportDataAt, as_bytes(data));
    content = as_text(world.make_quote());
    return 0;
  }
  int written(const std::string&, const std::string&) override { return 0; }
  void closed(const std::string&, const std::string& content) override {
    data = content;
    data.resize(64);
  }

  std::string type = "dcap";
  std::string data = std::string(64, '\0');
  bool broken = false;
  DcapWorld world{false, 3};
};

class GramineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!mount.error().empty()) GTEST_SKIP() << mount.error();
  }
  FakeGramine gramine;
  MadeUpFiles mount{gramine};
};

TEST_F(GramineTest, QuotesAreTrusted) {
  const auto producer = value_of(make_gramine(mount.path()));
  EXPECT_EQ(producer->kind(), EvidenceKind::kSgx);
  Case c = gramine.world.make();
  c.expected.report_data = filler<64>("asked");
  c.evidence = value_of(producer->produce(filler<64>("asked"))).evidence;
  expect_trusted(c);
}

TEST_F(GramineTest, ThreadsDoNotGetEachOthersQuotes) {
  const auto producer = value_of(make_gramine(mount.path()));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 8; ++k) {
        const auto data = filler<64>(fmt::format("{} {}", i, k));
        const auto shown = producer->produce(data);
        ASSERT_TRUE(shown) << shown.error().message;
        EXPECT_EQ(value_of(parse_dcap_quote(shown->evidence.report)).sgx->report_data, data);
      }
    });
  }
}

TEST_F(GramineTest, SaysWhatIsMissing) {
  expect_error(make_gramine(mount.path() / "no"), Kind::kNotFound, "attestation_type");
  gramine.type = "none";
  expect_error(make_gramine(mount.path()), Kind::kNotFound, "sgx.remote_attestation");
  gramine.type = "epid";
  expect_error(make_gramine(mount.path()), Kind::kUnsupported, "'epid', want dcap");
  gramine.type = "dcap";
  const auto producer = value_of(make_gramine(mount.path()));
  gramine.broken = true;
  expect_error(producer->produce({}), Kind::kIo, "Permission denied (the host's quoting enclave");
}

}  // namespace
}  // namespace cloister::attest::test
