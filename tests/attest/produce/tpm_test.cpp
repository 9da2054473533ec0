// TPM quotes of a real swtpm, held against our own verifier and against tpm2-tools.
#include "attest/produce/tpm.h"

#include <fstream>

#include "attest/produce/tpm_registers.h"
#include "attest/tpm/quote.h"
#include "tests/attest/authority.h"
#include "tests/attest/expect.h"
#include "tests/attest/produce/meddled_tpm.h"
#include "tests/support/result.h"
#include "tests/support/swtpm.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::run_tool;
using cloister::test::Swtpm;
using cloister::test::TempDir;
using cloister::test::value_of;

const Fixed<64> kTpmReportData = filler<64>("report data");

// Accepts just this TPM as it is now.
Case case_of(const AttestedEvidence& shown) {
  Case c;
  c.evidence = shown.evidence;
  c.endorsements = shown.endorsements;
  c.now = test_time();
  const Digest binder = sha256(kTpmReportData.view());
  c.expected.qualifying_data.assign(binder.begin(), binder.end());
  TpmPolicy& policy = c.policy.tpm.emplace();
  const auto area = value_of(find_blob(shown.evidence.parts, kTpmPublic));
  policy.ak_names = {value_of(parse_tpm_public(area)).name};
  const auto values = value_of(find_blob(shown.evidence.parts, kTpmPcrs));
  EXPECT_EQ(values.size(), 24u * 32);
  for (uint32_t i = 0; i < 24; ++i) {
    Fixed<32> value;
    std::ranges::copy(values.subspan(size_t{32} * i, 32), value.bytes.begin());
    policy.pcrs.push_back({i, {value}});
  }
  return c;
}

// What tpm2-tools keep PCR values in: the structures of their machine's memory.
std::vector<std::byte> pcr_file(Bytes values) {
  std::vector<std::byte> file;
  put_little(file, uint32_t{1});
  put(file, as_bytes(std::string_view("\x0b\0\3\xff\xff\xff", 6)));  // SHA-256, 24 registers
  file.resize(132);
  put_little(file, uint32_t{3});
  for (size_t list = 0; list < 3; ++list) {
    put_little(file, uint32_t{8});
    for (size_t i = 0; i < 8; ++i) {
      put_little(file, uint16_t{32});
      put(file, values.subspan((list * 8 + i) * 32, 32));
      file.resize(file.size() + 32);
    }
  }
  return file;
}

AttestedEvidence produced(Attester& producer) {
  return value_of(producer.produce(kTpmReportData));
}

class TpmProducerTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_SWTPM();
    tpm.emplace();
  }
  std::optional<Swtpm> tpm;
};

TEST_F(TpmProducerTest, QuotesAreTrusted) {
  const auto producer = value_of(make_tpm(tpm->tcti()));
  EXPECT_EQ(producer->kind(), EvidenceKind::kTpm);
  const Case c = case_of(produced(*producer));
  expect_trusted(c);
  EXPECT_EQ(producer->source(),
            fmt::format("TPM at {}, key {}", tpm->tcti(), to_string(c.policy.tpm->ak_names[0])));
}

TEST_F(TpmProducerTest, QuotesAreRefusedForOtherQuestionsKeysAndRegisters) {
  const auto producer = value_of(make_tpm(tpm->tcti()));
  const Case before = case_of(produced(*producer));
  Case c = before;
  c.expected.qualifying_data[0] ^= std::byte{1};
  expect_fails(c, "tpm.nonce");
  c = before;
  blob(c.evidence.parts, kTpmPcrs)[0] ^= std::byte{1};
  expect_fails(c, "tpm.pcr_digest");

  SKIP_WITHOUT("tpm2_pcrextend");
  tpm->tool("tpm2_pcrextend", {"16:sha256=" + std::string(64, 'a')});
  c = before;
  c.evidence = produced(*producer).evidence;
  expect_fails(c, "tpm.pcrs", "PCR 16 is", "tpm.pcrs[16].values");

  Swtpm other;
  c.evidence = produced(*value_of(make_tpm(other.tcti()))).evidence;
  expect_fails(c, "tpm.key");
}

TEST_F(TpmProducerTest, TheKeyOutlivesItsOwners) {
  SKIP_WITHOUT("tpm2_clear");
  const auto before = value_of(make_tpm(tpm->tcti()))->source();
  tpm->tool("tpm2_clear", {});
  EXPECT_EQ(value_of(make_tpm(tpm->tcti()))->source(), before);
}

TEST_F(TpmProducerTest, TheKeyOutlivesRestarts) {
  const auto producer = value_of(make_tpm(tpm->tcti()));
  const Case before = case_of(produced(*producer));
  tpm->stop();
  expect_error(producer->produce(kTpmReportData), Kind::kUnavailable,
               "can't reach a TPM at 'swtpm:");
  tpm->start();
  Case c = before;
  c.evidence = produced(*producer).evidence;
  expect_trusted(c);
  EXPECT_GT((*VerifiedClaims::of(c.verify()))->tpm->reset_count,
            (*VerifiedClaims::of(before.verify()))->tpm->reset_count);
}

TEST_F(TpmProducerTest, RegistersMayChangeWhileTheyAreRead) {
  const auto quoted_through = [&](int changes) {
    const MeddledTpm meddled(*tpm, changes);
    const auto session = value_of(TpmSession::open(meddled.tcti()));
    const auto key = value_of(TpmKey::attestation(session));
    return quote_registers(session, key, {.scheme = TPM2_ALG_NULL}, {});
  };
  const auto quoted = value_of(quoted_through(2));
  EXPECT_EQ(to_hex(value_of(parse_tpm_quote(quoted.quote)).pcr_digest),
            to_hex(sha256(quoted.values)));
  expect_error(quoted_through(1000), Kind::kUnavailable,
               "PCRs changed between quoting and reading them, 5 times");
}

TEST_F(TpmProducerTest, LeavesNothingInTheTpm) {
  const auto producer = value_of(make_tpm(tpm->tcti()));
  for (int i = 0; i < 5; ++i) produced(*producer);  // it has room for three objects
  SKIP_WITHOUT("tpm2_getcap");
  EXPECT_EQ(tpm->tool("tpm2_getcap", {"handles-transient"}), "");
}

TEST_F(TpmProducerTest, TheTpmMayDieInBetween) {
  const auto session = value_of(TpmSession::open(tpm->tcti()));
  const auto key = value_of(TpmKey::attestation(session));
  tpm->stop();
  expect_error(quote_registers(session, key, {.scheme = TPM2_ALG_NULL}, {}), Kind::kUnavailable,
               "can't quote PCRs: ");
}

TEST_F(TpmProducerTest, ToolsOfOthersAgree) {
  SKIP_WITHOUT("tpm2_checkquote");
  const AttestedEvidence shown = produced(*value_of(make_tpm(tpm->tcti())));
  const auto save = [&](const char* name, Bytes bytes) {
    ASSERT_TRUE(write_file(tpm->folder() / name, as_text(bytes)));
  };
  const auto part = [&](std::string_view name) {
    return value_of(find_blob(shown.evidence.parts, name));
  };
  save("quote", shown.evidence.report);
  save("signature", part(kTpmSignature));
  save("public", part(kTpmPublic));
  save("pcrs", pcr_file(part(kTpmPcrs)));

  // The same key, made by them.
  tpm->tool("tpm2_createprimary",
            {"-C", "e", "-g", "sha256", "-G", "ecc256:ecdsa-sha256:null", "-a",
             "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign", "-c", "ak"});
  tpm->tool("tpm2_readpublic", {"-c", "ak", "-f", "tss", "-o", "theirs"});
  EXPECT_EQ(value_of(read_file(tpm->folder() / "theirs")),
            value_of(read_file(tpm->folder() / "public")));

  const auto check = [&](const Digest& binder) {
    return run_tool("tpm2_checkquote",
                    {"-u", "public", "-m", "quote", "-s", "signature", "-g", "sha256", "-q",
                     to_hex(binder), "-f", "pcrs"},
                    tpm->folder());
  };
  const auto good = check(sha256(kTpmReportData.view()));
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_NE(check(sha256({})).code, 0);
  const Bytes values = part(kTpmPcrs);
  std::vector<std::byte> changed(values.begin(), values.end());
  changed[5] ^= std::byte{1};
  save("pcrs", pcr_file(changed));
  EXPECT_NE(check(sha256(kTpmReportData.view())).code, 0);
}

TEST(TpmProducer, SaysWhatIsNotThere) {
  testing::internal::CaptureStderr();
  expect_error(make_tpm("swtpm:path=/nonexistent/socket"), Kind::kUnavailable,
               "can't reach a TPM at 'swtpm:path=/nonexistent/socket': ");
  expect_error(make_tpm("device:/nonexistent"), Kind::kUnavailable, "'device:/nonexistent'");
  EXPECT_FALSE(make_tpm("nonsense:x"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace cloister::attest::test
