// What a policy asks of a TD.
#include "attest/dcap/tdx.h"

#include "tests/attest/dcap_world.h"
#include "tests/attest/expect.h"

namespace cloister::attest::test {
namespace {

Case with_attributes(uint64_t bits) {
  DcapWorld world;
  set_little(world.body, kTdAttributesAt, bits);
  return world.make();
}

constexpr uint64_t kSept = uint64_t{1} << 28;

TEST(Tdx, ReportData) {
  Case c = DcapWorld().make();
  c.expected.report_data = filler<64>("another exchange");
  expect_fails(c, "tdx.report_data");
  c.expected.report_data.reset();
  expect_fails(c, "tdx.report_data");
}

TEST(Tdx, Debug) {
  expect_fails(with_attributes(kSept | 1), "tdx.debug");
  expect_fails(with_attributes(kSept | 0x40), "tdx.debug");
}

TEST(Tdx, Attributes) {
  Case none = with_attributes(0);
  expect_fails(none, "tdx.attributes", "", "tdx.required_attributes");
  none.policy.tdx->required_attributes.clear();
  expect_trusted(none);
  for (const TdAttribute attribute :
       {TdAttribute::kMigratable, TdAttribute::kPks, TdAttribute::kKl, TdAttribute::kPerfmon}) {
    Case c = with_attributes(kSept | uint64_t{1} << static_cast<int>(attribute));
    expect_fails(c, "tdx.attributes", "", "tdx.allowed_attributes");
    c.policy.tdx->allowed_attributes = {attribute};
    expect_trusted(c);
  }
  for (const int reserved : {8, 20, 32, 62}) {
    expect_fails(with_attributes(kSept | uint64_t{1} << reserved), "tdx.attributes");
  }
}

TEST(Tdx, Measurement) {
  const Case good = DcapWorld().make();
  ExpectedMeasurement TdMeasurement::*const registers[] = {
      &TdMeasurement::mrtd, &TdMeasurement::rtmr0, &TdMeasurement::rtmr1, &TdMeasurement::rtmr2,
      &TdMeasurement::rtmr3};
  const char* const names[] = {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"};
  for (size_t i = 0; i < 5; ++i) {
    Case c = good;
    ExpectedMeasurement& expected = c.policy.tdx->measurements[0].*registers[i];
    const std::string field = fmt::format("tdx.measurements[0].{}", names[i]);
    expected.value->bytes[47] ^= std::byte{1};
    expect_fails(c, "tdx.measurement", "", field);
    expected = {};
    expect_fails(c, "tdx.measurement", "", field);
    expected.any = true;
    if (i == 0) {
      expect_fails(c, "tdx.measurement", "", field);  // the firmware can't be anything
    } else {
      expect_trusted(c);
    }
  }
  Case c = good;
  c.policy.tdx->measurements.insert(c.policy.tdx->measurements.begin(), TdMeasurement{});
  expect_trusted(c);
  c.policy.tdx->measurements.clear();
  expect_fails(c, "tdx.measurement", "", "tdx.measurements");
}

TEST(Tdx, MeasurementsMatchAsAWhole) {
  Case c = DcapWorld().make();
  TdMeasurement other = c.policy.tdx->measurements[0];
  other.rtmr0.value = filler<48>("another");
  c.policy.tdx->measurements[0].rtmr1.value = filler<48>("another");
  c.policy.tdx->measurements.push_back(other);
  expect_fails(c, "tdx.measurement", "", "tdx.measurements[1].rtmr0");
}

TEST(Tdx, ServiceTd) {
  DcapWorld world(true, 5, true);
  set(world.body, kMrServiceTdAt, filler<48>("service").view());
  Case c = world.make();
  expect_fails(c, "tdx.mr_service_td", "", "tdx.mr_service_tds");
  c.policy.tdx->mr_service_tds = {filler<48>("service")};
  expect_trusted(c);
}

TEST(Tdx, Pins) {
  Case c = DcapWorld().make();
  TdxPolicy& policy = *c.policy.tdx;
  policy.mr_config_ids = {filler<48>("config id")};
  policy.mr_owners = {filler<48>("owner")};
  policy.mr_owner_configs = {filler<48>("owner config")};
  expect_trusted(c);
  policy.mr_config_ids = {Fixed<48>{}};
  expect_fails(c, "tdx.mr_config_id", "", "tdx.mr_config_ids");
  policy.mr_config_ids.clear();
  policy.mr_owners = {Fixed<48>{}};
  expect_fails(c, "tdx.mr_owner", "", "tdx.mr_owners");
  policy.mr_owners.clear();
  policy.mr_owner_configs = {Fixed<48>{}};
  expect_fails(c, "tdx.mr_owner_config", "", "tdx.mr_owner_configs");
}

}  // namespace
}  // namespace cloister::attest::test
