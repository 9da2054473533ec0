// TPM quotes, of TPMs of our own: each check is broken alone.
#include "attest/tpm/tpm.h"

#include "tests/attest/expect.h"
#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

template <typename Change>
Case tpm_with(const Change& change) {
  TpmWorld world;
  change(world);
  return world.make();
}

TEST(Tpm, BothKindsOfKeysAreTrusted) {
  expect_trusted(TpmWorld(false).make());
  const Case c = TpmWorld(true).make();
  expect_trusted(c);
  const auto claims = VerifiedClaims::of(c.verify());
  ASSERT_TRUE(claims);
  EXPECT_EQ((*claims)->tpm->pcrs.size(), 4u);
  EXPECT_EQ((*claims)->tpm->reset_count, 3u);
  EXPECT_EQ(kind_class((*claims)->kind), "tpm");
}

TEST(Tpm, Quote) {
  expect_fails(tpm_with([](TpmWorld& w) { w.magic = 0xff544348; }), "tpm.quote",
               "not made by a TPM");
  expect_fails(tpm_with([](TpmWorld& w) { w.type = 0x8017; }), "tpm.quote", "0x8017");
  expect_fails(tpm_with([](TpmWorld& w) { w.bank = 0x0004; }), "tpm.quote", "PCR bank 0x0004");
  expect_fails(tpm_with([](TpmWorld& w) { w.trailing.resize(1); }), "tpm.quote",
               "1 bytes after it");
  expect_fails(tpm_with([](TpmWorld& w) {
                 w.selected.clear();
                 w.values.clear();
               }),
               "tpm.quote", "no PCR");
}

TEST(Tpm, Signature) {
  Case c = TpmWorld().make();
  blob(c.evidence.parts, kTpmSignature)[10] ^= std::byte{1};
  expect_fails(c, "tpm.signature", "bad signature");
  blob(c.evidence.parts, kTpmSignature).pop_back();
  expect_fails(c, "tpm.signature", "");
  remove_blob(c.evidence.parts, kTpmSignature);
  expect_fails(c, "tpm.signature", "no tpm_signature");
  // An RSA signature for a key on a curve.
  TpmWorld rsa(true);
  c = TpmWorld().make();
  blob(c.evidence.parts, kTpmSignature) = rsa.sign(c.evidence.report);
  expect_fails(c, "tpm.signature", "different kinds");
}

TEST(Tpm, Nonce) {
  Case c = TpmWorld().make();
  c.expected.qualifying_data[31] ^= std::byte{1};
  expect_fails(c, "tpm.nonce");
  c.expected.qualifying_data.clear();
  expect_fails(c, "tpm.nonce");
  c.expected.qualifying_data.assign(31, std::byte{1});
  expect_fails(c, "tpm.nonce");
}

TEST(Tpm, PcrDigest) {
  expect_fails(tpm_with([](TpmWorld& w) { w.pcr_digest.assign(32, std::byte{1}); }),
               "tpm.pcr_digest");
  Case c = TpmWorld().make();
  blob(c.evidence.parts, kTpmPcrs)[0] ^= std::byte{1};
  expect_fails(c, "tpm.pcr_digest", "the values given have");
  blob(c.evidence.parts, kTpmPcrs).resize(96);
  expect_fails(c, "tpm.pcr_digest", "96 bytes of PCR values, want 128 for PCRs 0, 4, 7, 11");
  remove_blob(c.evidence.parts, kTpmPcrs);
  expect_fails(c, "tpm.pcr_digest", "no tpm_pcrs");
}

TEST(Tpm, Pcrs) {
  Case c = TpmWorld().make();
  std::vector<PcrValues>& pcrs = c.policy.tpm->pcrs;
  pcrs[2].values = {Fixed<32>{}, filler<32>("pcr7")};
  expect_trusted(c);
  pcrs.pop_back();
  expect_trusted(c);  // more may be quoted than is asked for
  pcrs[2].values.pop_back();
  expect_fails(c, "tpm.pcrs", "PCR 7 is", "tpm.pcrs[2].values");
  pcrs[2] = {8, {Fixed<32>{}}};
  expect_fails(c, "tpm.pcrs", "PCR 8 is not quoted", "tpm.pcrs[2].values");
  pcrs[2] = {7, {}};
  expect_fails(c, "tpm.pcrs", "PCR 7", "tpm.pcrs[2].values");
  pcrs.clear();
  expect_fails(c, "tpm.pcrs", "", "tpm.pcrs");
}

TEST(Tpm, TheSelectionSaysWhichRegisterAValueIs) {
  // The values that the policy wants, of other registers.
  Case c = tpm_with([](TpmWorld& w) { w.selected = {1, 5, 8, 12}; });
  c.policy.tpm->pcrs = TpmWorld().policy();
  expect_fails(c, "tpm.pcrs", "PCR 0 is not quoted");
}

TEST(Tpm, Key) {
  Case c = TpmWorld().make();
  c.policy.tpm->ak_names = {filler<34>("another")};
  expect_fails(c, "tpm.key", "000b", "tpm.ak_names");
  c.policy.tpm->ak_names.clear();
  expect_fails(c, "tpm.key", "", "tpm.ak_names");
  blob(c.evidence.parts, kTpmPublic).pop_back();
  expect_fails(c, "tpm.public", "");
  remove_blob(c.evidence.parts, kTpmPublic);
  expect_fails(c, "tpm.public", "no tpm_public");
  for (const uint32_t bit : {kTpmFixedTpm, kTpmFixedParent, kTpmSensitiveDataOrigin, kTpmRestricted,
                             kTpmSign, kTpmDecrypt}) {
    expect_fails(tpm_with([&](TpmWorld& w) { w.attributes ^= bit; }), "tpm.attributes",
                 fmt::format("{:#x}", kAkAttributes ^ bit));
  }
}

TEST(Tpm, IsNotAcceptedByDefault) {
  Case c = TpmWorld().make();
  c.policy = {};
  c.policy.snp.emplace();
  expect_kind_refused(c, "tpm (tpm)", "tpm");
}

}  // namespace
}  // namespace cloister::attest::test
