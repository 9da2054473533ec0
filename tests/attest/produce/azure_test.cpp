// Azure's paravisor stood in for: a swtpm that holds a report and a key where Azure's vTPM does,
// and an AMD of our own. No machine of Azure's has run this.
#include "attest/produce/azure.h"

#include "attest/azure/hcl.h"
#include "base/base64.h"
#include "tests/attest/expect.h"
#include "tests/attest/tpm_world.h"
#include "tests/support/result.h"
#include "tests/support/swtpm.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::Swtpm;
using cloister::test::value_of;
using std::chrono::milliseconds;

constexpr AzureWait kShortWait{milliseconds(50), milliseconds(5)};
const Fixed<64> kAzureReportData = filler<64>("report data");

class AzureProducerTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_SWTPM();
    SKIP_WITHOUT("tpm2_nvdefine");
    tpm.emplace();
    // Its key is RSA, unlike ours.
    tpm->tool(
        "tpm2_createprimary",
        {"-C", "e", "-g", "sha256", "-G", "rsa2048:rsassa-sha256:null", "-a",
         "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign", "-c", "ak"});
    tpm->tool("tpm2_evictcontrol", {"-C", "o", "-c", "ak", "0x81000003"});
    tpm->tool("tpm2_readpublic", {"-c", "0x81000003", "-f", "der", "-o", "ak.der"});
    const auto der = value_of(read_file(tpm->folder() / "ak.der"));
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    ASSERT_TRUE(key);
    modulus = public_modulus(key.get());
  }

  // The paravisor's report of this vTPM, with a hardware report made for `user_data`.
  void report_for(Bytes user_data) {
    Fixed<64> padded;
    std::ranges::copy(user_data, padded.bytes.begin());
    azure.runtime_data = fmt::format(
        R"({{"keys":[{{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"{}"}}],"user-data":"{}"}})",
        base64(modulus, Base64::kUrl), to_string(padded));
    wanted = azure.make();
    std::vector<std::byte> hcl = wanted.evidence.report;
    hcl.resize(2048);  // of 2600 bytes, zeros at the end; swtpm takes no more
    ASSERT_TRUE(write_file(tpm->folder() / "hcl", as_text(hcl)));
    if (!defined) {
      tpm->tool("tpm2_nvdefine",
                {"-C", "o", "-s", "2048", "-a", "ownerread|ownerwrite", "0x01400001"});
    }
    defined = true;
    tpm->tool("tpm2_nvwrite", {"-C", "o", "-i", "hcl", "0x01400001"});
  }

  // What a client that trusts this machine makes of evidence.
  Case case_of(const AttestedEvidence& shown) {
    Case c = wanted;
    c.evidence = shown.evidence;
    const Digest binder = sha256(kAzureReportData.view());
    c.expected.qualifying_data.assign(binder.begin(), binder.end());
    c.policy.azure_snp->pcrs = {{0, {Fixed<32>{}}}, {16, {Fixed<32>{}}}};
    return c;
  }

  std::optional<Swtpm> tpm;
  std::vector<std::byte> modulus;
  AzureWorld azure{true};
  Case wanted;
  bool defined = false;
};

TEST_F(AzureProducerTest, EvidenceIsTrusted) {
  report_for(sha256(kAzureReportData.view()));
  const auto producer = value_of(make_azure(tpm->tcti(), kShortWait));
  EXPECT_EQ(producer->kind(), EvidenceKind::kAzureSnp);
  const Case c = case_of(value_of(producer->produce(kAzureReportData)));
  expect_trusted(c);
  // What the paravisor is to have its report made for.
  const std::string user_data = tpm->tool("tpm2_nvread", {"-C", "o", "0x01400002"});
  EXPECT_EQ(to_hex(as_bytes(user_data)),
            to_hex(sha256(kAzureReportData.view())) + std::string(64, '0'));
  expect_trusted(case_of(value_of(producer->produce(kAzureReportData))));  // defined already
}

TEST_F(AzureProducerTest, OlderHardwareReportsAreForPoliciesToAccept) {
  report_for(sha256(as_bytes("another question")));
  const auto producer = value_of(make_azure(tpm->tcti(), kShortWait));
  Case c = case_of(value_of(producer->produce(kAzureReportData)));
  expect_fails(c, "azure.user_data");
  c.policy.azure_snp->accept_stale_hardware_report = true;
  expect_trusted(c);
}

TEST_F(AzureProducerTest, SaysWhatIsMissing) {
  expect_error(make_azure(tpm->tcti()), Kind::kNotFound, "can't find NV index 0x1400001");
  report_for(sha256(kAzureReportData.view()));
  const auto producer = value_of(make_azure(tpm->tcti(), kShortWait));
  tpm->tool("tpm2_evictcontrol", {"-C", "o", "-c", "0x81000003"});
  expect_error(producer->produce(kAzureReportData), Kind::kNotFound, "use the key at 0x81000003");
}

TEST_F(AzureProducerTest, TdxIsNotSupported) {
  azure.snp = false;
  report_for(sha256(kAzureReportData.view()));
  expect_error(make_azure(tpm->tcti(), kShortWait), Kind::kUnsupported, "runs on TDX");
}

}  // namespace
}  // namespace cloister::attest::test
