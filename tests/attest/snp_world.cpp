#include "tests/attest/snp_world.h"

#include <openssl/obj_mac.h>

#include <algorithm>

#include "attest/snp/report.h"

namespace cloister::attest::test {
namespace {

constexpr std::string_view kOid = "1.3.6.1.4.1.3704.1.";

const char* name_of(SnpProduct product) {
  return product == SnpProduct::kMilan   ? "Milan"
         : product == SnpProduct::kGenoa ? "Genoa"
                                         : "Turin";
}

// fmc, bootloader, tee, snp, microcode at their places.
Fixed<8> tcb_bytes(SnpProduct product) {
  const std::string_view bytes = product == SnpProduct::kTurin
                                     ? std::string_view("\x01\x02\x03\x04\0\0\0\x50", 8)
                                     : std::string_view("\x04\x01\0\0\0\0\x18\xd9", 8);
  Fixed<8> out;
  std::ranges::copy(as_bytes(bytes), out.bytes.begin());
  return out;
}

}  // namespace

SnpWorld::SnpWorld(SnpProduct made_by, bool with_vlek)
    : product(made_by),
      is_vlek(with_vlek),
      vek_key(ec_key(with_vlek ? "vlek" : "vcek", NID_secp384r1)) {
  const bool turin = product == SnpProduct::kTurin;
  const std::string name = name_of(product);
  const Fixed<8> tcb = tcb_bytes(product);
  const SnpTcb versions = decode_tcb(tcb, product);

  report.resize(kSnpSignedBytes);
  set_little(report, kVersionAt, uint32_t{turin ? 5U : 3U});
  set_little(report, kGuestSvnAt, uint32_t{7});
  set_little(report, kPolicyAt, uint64_t{0x3001f});
  set_little(report, kAlgorithmAt, uint32_t{1});
  set_little(report, kPlatformInfoAt, uint64_t{0x27});
  set_little(report, kKeyInfoAt, uint32_t{with_vlek ? 4U : 0U});
  set(report, kReportDataAt, filler<64>("report data").view());
  set(report, kMeasurementAt, filler<48>("measurement").view());
  set(report, kHostDataAt, filler<32>("host data").view());
  set(report, kIdKeyAt, filler<48>("id key").view());
  set(report, kAuthorKeyAt, filler<48>("author key").view());
  for (const size_t at : {kCurrentTcbAt, kReportedTcbAt, kCommittedTcbAt, kLaunchTcbAt}) {
    set(report, at, tcb.view());
  }
  const uint8_t family = turin ? 0x1a : 0x19;
  const uint8_t model = product == SnpProduct::kGenoa   ? 0x11
                        : product == SnpProduct::kTurin ? 2
                                                        : 1;
  set_little(report, kFamilyAt, family);
  set_little(report, kModelAt, model);
  if (turin) {
    set_little(report, kLaunchMitigationsAt, uint64_t{0x3f});
    set_little(report, kCurrentMitigationsAt, uint64_t{0x3f});
  }
  const auto chip = filler<64>("chip");
  const Bytes hwid = chip.view().first(turin ? 8 : 64);
  if (!with_vlek) set(report, kChipIdAt, hwid);

  const std::string ark = "ARK-" + name;
  const std::string ask = fmt::format("SEV-{}{}", with_vlek ? "VLEK-" : "", name);
  root = {.subject = ark, .issuer = ark, .is_ca = true, .serial = 0x10000};
  intermediate = {.subject = ask, .issuer = ark, .is_ca = true, .serial = 0x10001};
  vek = {.subject = with_vlek ? "SEV-VLEK" : "SEV-VCEK", .issuer = ask, .serial = 0};
  const auto add = [&](std::string_view end, std::vector<std::byte> content) {
    vek.extensions.emplace_back(fmt::format("{}{}", kOid, end), std::move(content));
  };
  add("1", der_number(turin ? 1 : 0));
  add("2", der(0x16, as_bytes(name + (product == SnpProduct::kMilan ? "-B0" : ""))));
  add("3.1", der_number(versions.bootloader));
  add("3.2", der_number(versions.tee));
  add("3.3", der_number(versions.snp));
  add("3.8", der_number(versions.microcode));
  if (turin) add("3.9", der_number(versions.fmc));
  if (with_vlek) {
    add("5", der(0x16, as_bytes("CN=test-cloud")));
  } else {
    add("4", {hwid.begin(), hwid.end()});
  }
  crl = {.issuer = ark};
}

std::vector<std::byte>& SnpWorld::extension(const std::string& end) {
  for (auto& [oid, content] : vek.extensions) {
    if (oid == std::string(kOid) + end) return content;
  }
  return vek.extensions.emplace_back(std::string(kOid) + end, std::vector<std::byte>{}).second;
}

void SnpWorld::remove_extension(const std::string& end) {
  std::erase_if(vek.extensions, [&](const auto& e) { return e.first == std::string(kOid) + end; });
}

void SnpWorld::set_microcode(size_t offset, uint8_t version) {
  set_little(report, offset + 7, version);
}

std::vector<std::byte> SnpWorld::signed_report(std::vector<std::byte> bytes) const {
  bytes.resize(kSnpSignedBytes);
  auto signature = sign_ecdsa(vek_key.get(), Hash::kSha384, bytes);
  bytes.resize(kSnpReportBytes);
  std::reverse(signature.begin(), signature.begin() + 48);
  std::reverse(signature.begin() + 48, signature.end());
  set(bytes, kSnpSignedBytes, Bytes(signature).first(48));
  set(bytes, kSnpSignedBytes + 72, Bytes(signature).last(48));
  return bytes;
}

Case SnpWorld::make() const {
  CertificateSpec r = root;
  CertificateSpec i = intermediate;
  CertificateSpec v = vek;
  CrlSpec l = crl;
  // Whatever a test has not set is as it should be.
  const auto fill = [](EVP_PKEY*& key, const Key& with) {
    if (key == nullptr) key = with.get();
  };
  fill(r.key, root_key);
  fill(r.signer, root_key);
  fill(i.key, intermediate_key);
  fill(i.signer, root_key);
  fill(v.key, vek_key);
  fill(v.signer, intermediate_key);
  fill(l.signer, root_key);

  Case c;
  c.evidence = {EvidenceKind::kSnp, signed_report(), {}};
  c.endorsements.blobs = {{std::string(kVek), make_certificate(v)},
                          {std::string(kIntermediate), make_certificate(i)},
                          {std::string(kAmdCrl), make_crl(l)}};
  const auto ark = make_certificate(r);
  c.roots = {{{product, std::string(as_text(ark))}}, ""};
  c.now = test_time();
  c.expected.report_data = filler<64>("report data");
  SnpPolicy& policy = c.policy.snp.emplace();
  policy.measurements = {filler<48>("measurement")};
  policy.accept_vlek = is_vlek;
  if (is_vlek) policy.csp_ids = {"CN=test-cloud"};
  const SnpTcb tcb = decode_tcb(tcb_bytes(product), product);
  SnpMinimum minimum{{}, tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode};
  if (product == SnpProduct::kTurin) minimum.fmc = tcb.fmc;
  auto& place = product == SnpProduct::kMilan   ? policy.min_tcb.milan
                : product == SnpProduct::kGenoa ? policy.min_tcb.genoa
                                                : policy.min_tcb.turin;
  place = minimum;
  return c;
}

}  // namespace cloister::attest::test
