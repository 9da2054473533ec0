// What a policy asks of an enclave.
#include "attest/dcap/sgx.h"

#include "tests/attest/dcap_world.h"
#include "tests/attest/expect.h"

namespace cloister::attest::test {
namespace {

Case with_flags(uint64_t flags) {
  DcapWorld world(false, 3);
  set_little(world.body, kSgxAttributesAt, flags);
  return world.make();
}

TEST(Sgx, ReportData) {
  Case c = DcapWorld(false, 3).make();
  c.expected.report_data->bytes[63] ^= std::byte{1};
  expect_fails(c, "sgx.report_data");
  c.expected.report_data.reset();
  expect_fails(c, "sgx.report_data");
}

TEST(Sgx, Attributes) {
  expect_fails(with_flags(7), "sgx.debug");
  expect_trusted(with_flags(0x85));
  expect_trusted(with_flags(0x405));
  for (const uint64_t flags : {1, 4, 0x15, 0x25, 0x45, 0x1005}) {
    expect_fails(with_flags(flags), "sgx.attributes");
  }
}

TEST(Sgx, Enclave) {
  Case c = DcapWorld(false, 3).make();
  SgxPolicy& policy = *c.policy.sgx;
  policy.mr_enclaves = {Fixed<32>{}};
  expect_fails(c, "sgx.enclave", "", "sgx.mr_enclaves");
  policy.mr_enclaves.clear();
  expect_fails(c, "sgx.enclave", "", "sgx.mr_enclaves");
  policy.signers = {{filler<32>("signer"), 11, 4}};
  expect_trusted(c);
  policy.signers = {{filler<32>("signer"), 11, 5}};
  expect_fails(c, "sgx.enclave", "", "sgx.signers[0].min_isv_svn");
  policy.signers = {{filler<32>("signer"), 12, 4}};
  expect_fails(c, "sgx.enclave", "", "sgx.signers[0].isv_prod_id");
  policy.signers = {{filler<32>("signer"), {}, 4}};
  expect_fails(c, "sgx.enclave", "", "sgx.signers[0].isv_prod_id");
  policy.signers = {{filler<32>("signer"), 11, {}}};
  expect_fails(c, "sgx.enclave", "", "sgx.signers[0].min_isv_svn");
  policy.signers = {{filler<32>("another"), 11, 4}};
  expect_fails(c, "sgx.enclave", "", "sgx.signers");
}

TEST(Sgx, ConfigId) {
  DcapWorld world(false, 3);
  set(world.body, kConfigIdAt, filler<64>("config").view());
  Case c = world.make();
  expect_fails(c, "sgx.config_id", "", "sgx.config_ids");
  c.policy.sgx->config_ids = {filler<64>("config")};
  expect_trusted(c);
}

}  // namespace
}  // namespace cloister::attest::test
