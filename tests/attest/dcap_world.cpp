#include "tests/attest/dcap_world.h"

#include <openssl/obj_mac.h>

#include <algorithm>

#include "attest/dcap/quote.h"

namespace cloister::attest::test {
namespace {

static_assert(NID_X9_62_prime256v1 == 415);

constexpr std::string_view kPrefix = "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01";

// SEQUENCE { OID prefix.end, value }
std::vector<std::byte> member(std::string_view end, const std::vector<std::byte>& value) {
  std::vector<std::byte> pair = der(0x06, as_bytes(std::string(kPrefix) + std::string(end)));
  put(pair, value);
  return der(0x30, pair);
}

std::vector<std::byte> pck_extension_of(const DcapWorld& world) {
  std::vector<std::byte> tcb;
  for (size_t i = 0; i < 16; ++i) {
    const char end[] = {2, static_cast<char>(i + 1)};
    put(tcb, member({end, 2}, der_number(world.svns[i])));
  }
  put(tcb, member("\x02\x11", der_number(world.pce_svn)));
  put(tcb, member("\x02\x12", der(0x04, filler<16>("cpu svn").view())));
  std::vector<std::byte> all = member("\x01", der(0x04, world.ppid.view()));
  put(all, member("\x02", der(0x30, tcb)));
  put(all, member("\x03", der(0x04, world.pce_id.view())));
  put(all, member("\x04", der(0x04, world.fmspc.view())));
  put(all, member("\x05", der_number(1, 0x0a)));
  put(all, member("\x06", der(0x04, filler<16>("platform instance").view())));
  return der(0x30, all);
}

Json level(const std::array<uint8_t, 16>& sgx, uint16_t pce_svn, std::array<uint8_t, 16> tdx_svns,
           bool tdx, const char* status, std::vector<std::string> advisories) {
  Json components = Json::array();
  for (const uint8_t svn : sgx) components.push_back({{"svn", svn}, {"category", "BIOS"}});
  Json json = {{"tcb", {{"sgxtcbcomponents", components}, {"pcesvn", pce_svn}}},
               {"tcbDate", "2025-01-01T00:00:00Z"},
               {"tcbStatus", status}};
  if (tdx) {
    Json td = Json::array();
    for (const uint8_t svn : tdx_svns) td.push_back({{"svn", svn}});
    json["tcb"]["tdxtcbcomponents"] = td;
  }
  if (!advisories.empty()) json["advisoryIDs"] = advisories;
  return json;
}

Json isv_level(int svn, const char* status, std::vector<std::string> advisories = {}) {
  Json json = {
      {"tcb", {{"isvsvn", svn}}}, {"tcbDate", "2025-01-01T00:00:00Z"}, {"tcbStatus", status}};
  if (!advisories.empty()) json["advisoryIDs"] = advisories;
  return json;
}

Json head(const char* id, int version) {
  return {{"id", id},
          {"version", version},
          {"issueDate", "2026-05-20T00:00:00Z"},
          {"nextUpdate", "2026-06-19T00:00:00Z"},
          {"tcbEvaluationDataNumber", 18}};
}

}  // namespace

DcapWorld::DcapWorld(bool is_tdx, uint16_t quote_version, bool td_report_15)
    : tdx(is_tdx), version(quote_version) {
  put_little(header, quote_version);
  put_little(header, uint16_t{2});
  put_little(header, uint32_t{is_tdx ? 0x81U : 0U});
  put_little(header, uint32_t{0});
  Fixed<16> vendor;
  (void)parse_hex("939a7233f79c4ca9940a0db3957f0607", vendor.bytes);
  put(header, vendor.view());
  put(header, filler<20>("user data").view());

  if (is_tdx) {
    body.resize(td_report_15 ? kTdReport15Bytes : kTdReport10Bytes);
    set(body, kTeeTcbSvnAt, as_bytes(std::string_view("\x05\x01\x03", 3)));
    set(body, kMrSeamAt, filler<48>("mr seam").view());
    set_little(body, kTdAttributesAt, uint64_t{1} << 28);
    set(body, kMrtdAt, filler<48>("mrtd").view());
    for (size_t i = 0; i < 4; ++i) {
      set(body, kRtmr0At + i * 48, filler<48>(fmt::format("rtmr{}", i)).view());
    }
    set(body, kMrConfigIdAt, filler<48>("config id").view());
    set(body, kMrOwnerAt, filler<48>("owner").view());
    set(body, kMrOwnerConfigAt, filler<48>("owner config").view());
    set(body, kTdReportDataAt, filler<64>("report data").view());
    if (td_report_15) set(body, kTeeTcbSvn2At, as_bytes(std::string_view("\x05\x01\x03", 3)));
  } else {
    body.resize(kSgxReportBytes);
    set_little(body, kSgxAttributesAt, uint64_t{5});
    set(body, kMrEnclaveAt, filler<32>("enclave").view());
    set(body, kMrSignerAt, filler<32>("signer").view());
    set_little(body, kIsvProdIdAt, uint16_t{11});
    set_little(body, kIsvSvnAt, uint16_t{4});
    set(body, kSgxReportDataAt, filler<64>("report data").view());
  }
  qe_report.resize(kSgxReportBytes);
  set_little(qe_report, kSgxAttributesAt, uint64_t{0x15});
  set(qe_report, kMrSignerAt, filler<32>("qe signer").view());
  set_little(qe_report, kIsvProdIdAt, uint16_t{2});
  set_little(qe_report, kIsvSvnAt, uint16_t{6});

  root = {
      .subject = "Intel SGX Root CA", .issuer = "Intel SGX Root CA", .is_ca = true, .serial = 1};
  pck_ca = {
      .subject = "Intel SGX PCK Platform CA", .issuer = root.subject, .is_ca = true, .serial = 2};
  pck = {.subject = "Intel SGX PCK Certificate", .issuer = pck_ca.subject, .serial = 3};
  signing = {.subject = "Intel SGX TCB Signing", .issuer = root.subject, .serial = 4};
  root_crl = {.issuer = root.subject};
  pck_crl = {.issuer = pck_ca.subject};

  const std::string zeros48(96, '0');
  tcb_info = head(is_tdx ? "TDX" : "SGX", 3);
  tcb_info["fmspc"] = to_string(fmspc);
  tcb_info["pceId"] = to_string(pce_id);
  tcb_info["tcbType"] = 0;
  if (is_tdx) {
    const Json module = {{"mrsigner", zeros48},
                         {"attributes", "0000000000000000"},
                         {"attributesMask", "FFFFFFFFFFFFFFFF"}};
    tcb_info["tdxModule"] = module;
    Json identity = {{"id", "TDX_01"}};
    identity.update(module);
    identity["tcbLevels"] = {isv_level(5, "UpToDate"),
                             isv_level(3, "OutOfDate", {"INTEL-SA-01036"})};
    tcb_info["tdxModuleIdentities"] = Json::array({identity});
  }
  const std::array<uint8_t, 16> old = {2, 2, 2, 2, 3, 1, 0, 5};
  tcb_info["tcbLevels"] = {
      level(svns, 13, {5, 0, 3}, is_tdx, "UpToDate", {}),
      level(old, 13, {5, 0, 2}, is_tdx, "SWHardeningNeeded", {"INTEL-SA-00615"}),
      level(old, 5, {5, 0, 2}, is_tdx, "OutOfDate", {"INTEL-SA-00615", "INTEL-SA-00837"}),
      level({1, 1, 2, 2, 3, 1, 0, 5}, 5, {5, 0, 2}, is_tdx, "Revoked", {"INTEL-SA-00106"})};
  qe_identity = head(is_tdx ? "TD_QE" : "QE", 2);
  qe_identity["miscselect"] = "00000000";
  qe_identity["miscselectMask"] = "FFFFFFFF";
  qe_identity["attributes"] = "11000000000000000000000000000000";
  qe_identity["attributesMask"] = "FBFFFFFFFFFFFFFF0000000000000000";
  qe_identity["mrsigner"] = to_string(filler<32>("qe signer"));
  qe_identity["isvprodid"] = 2;
  qe_identity["tcbLevels"] = {isv_level(6, "UpToDate"),
                              isv_level(4, "OutOfDate", {"INTEL-SA-00477"})};
}

std::string DcapWorld::chain_of(const CertificateSpec& leaf, const Key& leaf_key,
                                bool with_ca) const {
  // Whatever a test has not set is as it should be.
  const auto made = [](CertificateSpec spec, const Key& key, const Key& signer) {
    if (spec.key == nullptr) spec.key = key.get();
    if (spec.signer == nullptr) spec.signer = signer.get();
    return pem("CERTIFICATE", make_certificate(spec));
  };
  return made(leaf, leaf_key, with_ca ? ca_key : root_key) +
         (with_ca ? made(pck_ca, ca_key, root_key) : "");
}

std::vector<std::byte> DcapWorld::signed_json(const std::string& key,
                                              const std::string& object) const {
  return bytes_of(
      fmt::format("{{\"{}\":{},\"signature\":\"{}\"}}", key, object,
                  to_hex(sign_ecdsa(signing_key.get(), Hash::kSha256, as_bytes(object)))));
}

std::vector<std::byte> DcapWorld::make_quote() const {
  std::vector<std::byte> quote = header;
  if (version == 5) {
    put_little(quote, uint16_t(!tdx ? 1 : body.size() == kTdReport15Bytes ? 3 : 2));
    put_little(quote, static_cast<uint32_t>(body.size()));
  }
  put(quote, body);
  std::vector<std::byte> data = sign_ecdsa(attestation_key.get(), Hash::kSha256, quote);
  const auto key = public_point(attestation_key.get());
  put(data, key);

  std::vector<std::byte> bound = key;
  put(bound, qe_auth);
  std::vector<std::byte> qe = qe_report;
  set(qe, kSgxReportDataAt, qe_binding.empty() ? Bytes(sha256(bound)) : Bytes(qe_binding));
  std::vector<std::byte> certification = qe;
  put(certification, sign_ecdsa(pck_key.get(), Hash::kSha256, qe));
  put_little(certification, static_cast<uint16_t>(qe_auth.size()));
  put(certification, qe_auth);
  CertificateSpec leaf = pck;
  if (has_pck_extension) {
    leaf.extensions.emplace_back("1.2.840.113741.1.13.1", pck_extension_of(*this));
  }
  const std::string chain = chain_of(leaf, pck_key, true);
  put_little(certification, chain_type);
  put_little(certification, static_cast<uint32_t>(chain.size() + 1));
  put(certification, as_bytes(chain));
  put(certification, as_bytes(std::string_view("\0", 1)));

  if (version >= 4) {
    put_little(data, uint16_t{6});
    put_little(data, static_cast<uint32_t>(certification.size()));
  }
  put(data, certification);
  put_little(quote, static_cast<uint32_t>(data.size()));
  put(quote, data);
  put(quote, trailing);
  return quote;
}

Case DcapWorld::make() const {
  Case c;
  c.evidence = {tdx ? EvidenceKind::kTdx : EvidenceKind::kSgx, make_quote(), {}};
  CertificateSpec r = root;
  if (r.key == nullptr) r.key = root_key.get();
  if (r.signer == nullptr) r.signer = root_key.get();
  const std::string root_pem = pem("CERTIFICATE", make_certificate(r));
  c.roots = {{}, root_pem};
  CrlSpec rl = root_crl;
  CrlSpec pl = pck_crl;
  if (rl.signer == nullptr) rl.signer = root_key.get();
  if (pl.signer == nullptr) pl.signer = ca_key.get();
  const auto chain = bytes_of(chain_of(signing, signing_key, false) + root_pem);
  c.endorsements.blobs = {
      {std::string(kTcbInfo), signed_json("tcbInfo", tcb_info.dump())},
      {std::string(kTcbInfoChain), chain},
      {std::string(kQeIdentity), signed_json("enclaveIdentity", qe_identity.dump())},
      {std::string(kQeIdentityChain), chain},
      {std::string(kRootCrl), make_crl(rl)},
      {std::string(kPckCrl), make_crl(pl)}};
  c.now = test_time();
  c.expected.report_data = filler<64>("report data");
  if (tdx) {
    c.policy.tdx.emplace().measurements = {{{filler<48>("mrtd")},
                                            {filler<48>("rtmr0")},
                                            {filler<48>("rtmr1")},
                                            {filler<48>("rtmr2")},
                                            {filler<48>("rtmr3")}}};
  } else {
    c.policy.sgx.emplace().mr_enclaves = {filler<32>("enclave")};
  }
  return c;
}

}  // namespace cloister::attest::test
