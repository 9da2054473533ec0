#include "tests/attest/vectors.h"

#include <algorithm>

#include "attest/azure/hcl.h"
#include "attest/dcap/quote.h"
#include "attest/snp/report.h"
#include "attest/tpm/quote.h"

namespace cloister::attest::test {
namespace {

SnpMinimum minimum_of(const Json& tcb) {
  SnpMinimum minimum;
  if (tcb.contains("fmc")) minimum.fmc = tcb["fmc"].get<uint64_t>();
  minimum.bootloader = tcb["bootloader"].get<uint64_t>();
  minimum.tee = tcb["tee"].get<uint64_t>();
  minimum.snp = tcb["snp"].get<uint64_t>();
  minimum.microcode = tcb["microcode"].get<uint64_t>();
  return minimum;
}

// {"KEY": object, "signature": hex}, as Intel's service answers.
std::vector<std::byte> signed_json(const std::string& key, Bytes object, Bytes signature) {
  return bytes_of(
      fmt::format("{{\"{}\":{},\"signature\":\"{}\"}}", key, as_text(object), to_hex(signature)));
}

TdMeasurement measurement_of(const TdReport& td) {
  return {{td.mrtd}, {td.rtmr[0]}, {td.rtmr[1]}, {td.rtmr[2]}, {td.rtmr[3]}};
}

// 24 lines of hexadecimal digits; those selected, as bytes.
std::vector<std::byte> pcr_values(std::string_view lines, const std::vector<uint32_t>& selected) {
  std::vector<std::byte> all;
  for (const uint32_t index : selected) {
    const auto value = hex_bytes(lines.substr(index * 65, 64));
    all.insert(all.end(), value.begin(), value.end());
  }
  return all;
}

std::vector<PcrValues> pcr_policy(Bytes values, const std::vector<uint32_t>& selected) {
  std::vector<PcrValues> policy;
  for (size_t i = 0; i < selected.size(); ++i) {
    Fixed<32> value;
    std::ranges::copy(values.subspan(i * 32, 32), value.bytes.begin());
    policy.push_back({selected[i], {value}});
  }
  return policy;
}

}  // namespace

std::vector<std::byte> hex_bytes(std::string_view digits) {
  std::vector<std::byte> out(digits.size() / 2);
  EXPECT_TRUE(parse_hex(digits, out)) << digits;
  return out;
}

std::vector<std::byte> vector_bytes(const std::string& name) {
  const auto text = read_file(cloister::test::shared_data(name));
  EXPECT_TRUE(text) << name;
  return text ? bytes_of(*text) : std::vector<std::byte>{};
}

Json vector_json(const std::string& name) {
  return Json::parse(as_text(vector_bytes(name)));
}

Case snp_case(const std::string& name) {
  const Json want = vector_json(name + "/expected.json");
  Case c;
  c.evidence = {EvidenceKind::kSnp, vector_bytes(name + "/report.bin"), {}};
  const bool vlek = want["signer"] == "VLEK";
  c.endorsements.blobs = {
      {std::string(kVek), vector_bytes(name + (vlek ? "/vlek.der" : "/vcek.der"))},
      {std::string(kIntermediate),
       vector_bytes("snp/" + want["intermediate"].get<std::string>().substr(3))}};
  c.expected.report_data = fixed<64>(want["report_data"].get<std::string>());
  c.now = time_of(want.value("verify_time", std::string("2026-06-01T00:00:00Z")));
  SnpPolicy& policy = c.policy.snp.emplace();
  policy.measurements = {fixed<48>(want["measurement"].get<std::string>())};
  const std::string generation = want["generation"];
  auto& minimum = generation == "milan"   ? policy.min_tcb.milan
                  : generation == "genoa" ? policy.min_tcb.genoa
                                          : policy.min_tcb.turin;
  minimum = minimum_of(want["reported_tcb"]);
  policy.accept_version_2 = want["report_version"] == 2;
  policy.accept_vlek = vlek;
  if (vlek) policy.csp_ids = {"CN=cc-us-east-2.amazonaws.com"};
  policy.accept_without_crl = true;  // the vectors have none
  policy.vmpl = want["vmpl"];
  if (want["report_version"] == 2) policy.platform_info.clear();
  return c;
}

Case dcap_case(const std::string& name, const std::string& collateral) {
  const Json want = vector_json(name + "/expected.json");
  const bool tdx = want["tee"] == "tdx";
  Case c;
  c.evidence = {
      tdx ? EvidenceKind::kTdx : EvidenceKind::kSgx, vector_bytes(name + "/quote.bin"), {}};
  c.now = time_of(want["verify_time"].get<std::string>());
  c.expected.report_data = fixed<64>(want["report"]["rd"].get<std::string>());
  const auto quote = parse_dcap_quote(c.evidence.report);
  EXPECT_TRUE(quote) << quote.error().message;
  if (tdx) {
    c.policy.tdx.emplace().measurements = {measurement_of(*quote->td)};
    c.policy.tdx->platform.min_tcb_evaluation_data_number = 17;  // of 2025
  } else {
    c.policy.sgx.emplace().mr_enclaves = {quote->sgx->mr_enclave};
    c.policy.sgx->platform.min_tcb_evaluation_data_number = 17;
  }
  if (collateral.empty()) return c;
  const auto file = [&](const char* leaf) { return vector_bytes(collateral + "/" + leaf); };
  c.endorsements.blobs = {
      {std::string(kTcbInfo), signed_json("tcbInfo", file("tcb_info.json"), file("tcb_info.sig"))},
      {std::string(kTcbInfoChain), file("tcb_info_issuer_chain.pem")},
      {std::string(kQeIdentity),
       signed_json("enclaveIdentity", file("qe_identity.json"), file("qe_identity.sig"))},
      {std::string(kQeIdentityChain), file("qe_identity_issuer_chain.pem")}};
  if (fs::exists(cloister::test::shared_data(collateral + "/pck_crl.der"))) {
    c.endorsements.blobs.push_back({std::string(kPckCrl), file("pck_crl.der")});
    c.endorsements.blobs.push_back({std::string(kRootCrl), file("root_ca_crl.der")});
  }
  return c;
}

Case tpm_case(const std::string& name) {
  const Json want = vector_json(name + "/expected.json");
  Case c;
  c.evidence = {EvidenceKind::kTpm, vector_bytes(name + "/quote.msg"), {}};
  c.now = time_of("2026-06-01T00:00:00Z");
  const auto quote = parse_tpm_quote(c.evidence.report);
  EXPECT_TRUE(quote) << quote.error().message;
  const bool generated = want.contains("pcr23");
  // The third-party vector has the bare key only; its attributes are made up here.
  const auto public_area = generated ? vector_bytes(name + "/ak.tpm2b_public")
                                     : tpm_public_of(as_text(vector_bytes(name + "/ak_pub.pem")));
  c.expected.qualifying_data =
      hex_bytes(want[generated ? "qualifying_data" : "extra_data"].get<std::string>());
  std::vector<std::byte> pcrs;
  if (generated) {
    pcrs.resize(8 * 32);  // PCRs 0 to 7 are zero
    const auto last = hex_bytes(want["pcr23"].get<std::string>());
    pcrs.insert(pcrs.end(), last.begin(), last.end());
  } else {
    pcrs = pcr_values(as_text(vector_bytes(name + "/pcrs_sha256.txt")), quote->selected);
  }
  TpmPolicy& policy = c.policy.tpm.emplace();
  policy.ak_names = {parse_tpm_public(public_area)->name};
  policy.pcrs = pcr_policy(pcrs, quote->selected);
  c.evidence.parts = {{std::string(kTpmSignature), vector_bytes(name + "/quote.tpmt_signature")},
                      {std::string(kTpmPublic), public_area},
                      {std::string(kTpmPcrs), pcrs}};
  return c;
}

Case azure_case(const std::string& name) {
  const Json want = vector_json(name + "/expected.json");
  const bool snp = want["hcl_report_type"] == 2;
  Case c;
  c.evidence = {snp ? EvidenceKind::kAzureSnp : EvidenceKind::kAzureTdx,
                vector_bytes(name + "/hcl_report.bin"),
                {}};
  c.now = time_of(snp ? "2026-06-01T00:00:00Z" : "2025-07-01T00:00:00Z");
  c.expected.qualifying_data = hex_bytes(want["tpm_extra_data"].get<std::string>());
  const auto quote_bytes = vector_bytes(name + "/tpm_quote.msg");
  const auto quote = parse_tpm_quote(quote_bytes);
  EXPECT_TRUE(quote) << quote.error().message;
  const auto pcrs = pcr_values(as_text(vector_bytes(name + "/pcrs_sha256.txt")), quote->selected);
  c.evidence.parts = {{std::string(kTpmQuote), quote_bytes},
                      {std::string(kTpmSignature), vector_bytes(name + "/tpm_quote.sig")},
                      {std::string(kTpmPcrs), pcrs}};
  if (snp) {
    AzureSnpPolicy& policy = c.policy.azure_snp.emplace();
    policy.pcrs = pcr_policy(pcrs, quote->selected);
    const auto hcl = parse_hcl_report(c.evidence.report);
    const auto report = parse_snp_report(hcl->hardware_report);
    EXPECT_TRUE(report) << report.error().message;
    const SnpTcb tcb = decode_tcb(report->reported_tcb, SnpProduct::kMilan);
    policy.hardware.measurements = {report->measurement};
    policy.hardware.min_tcb.milan = {{}, tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode};
    policy.hardware.accept_without_crl = true;
    policy.hardware.accept_version_2 = report->version == 2;
    if (report->version == 2) policy.hardware.platform_info.clear();
    c.endorsements.blobs = {{std::string(kVek), vector_bytes(name + "/vcek.der")},
                            {std::string(kIntermediate), vector_bytes("snp/roots/milan/ask.pem")}};
  } else {
    AzureTdxPolicy& policy = c.policy.azure_tdx.emplace();
    policy.pcrs = pcr_policy(pcrs, quote->selected);
    const auto td_quote = vector_bytes(name + "/td_quote.bin");
    policy.hardware.measurements = {measurement_of(*parse_dcap_quote(td_quote)->td)};
    policy.hardware.required_attributes.clear();  // Azure's TDs have none
    policy.accept_stale_hardware_report = true;
    c.evidence.parts.push_back({std::string(kTdQuote), td_quote});
  }
  return c;
}

}  // namespace cloister::attest::test
