#include "tests/attest/tpm_world.h"

#include <openssl/bio.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstdlib>

#include "attest/azure/hcl.h"
#include "attest/tpm/quote.h"
#include "base/base64.h"

namespace cloister::attest::test {
namespace {

void put_sized(std::vector<std::byte>& out, Bytes bytes) {
  put_big(out, static_cast<uint16_t>(bytes.size()));
  put(out, bytes);
}

}  // namespace

std::vector<std::byte> tpm_public_of(EVP_PKEY* key, uint32_t attributes) {
  const bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
  std::vector<std::byte> area;
  put_big(area, static_cast<uint16_t>(rsa ? 0x0001U : 0x0023U));
  put_big(area, uint16_t{0x000b});
  put_big(area, attributes);
  put_sized(area, {});
  put_big(area, uint16_t{0x0010});  // no symmetric algorithm
  put_big(area, static_cast<uint16_t>(rsa ? 0x0014U : 0x0018U));
  put_big(area, uint16_t{0x000b});
  if (rsa) {
    const auto modulus = public_modulus(key);
    put_big(area, static_cast<uint16_t>(modulus.size() * 8));
    put_big(area, uint32_t{0});
    put_sized(area, modulus);
  } else {
    const auto point = public_point(key);
    put_big(area, uint16_t{0x0003});
    put_big(area, uint16_t{0x0010});
    put_sized(area, Bytes(point).first(32));
    put_sized(area, Bytes(point).last(32));
  }
  std::vector<std::byte> out;
  put_sized(out, area);
  return out;
}

std::vector<std::byte> tpm_public_of(std::string_view public_pem) {
  BIO* const bio = BIO_new_mem_buf(public_pem.data(), static_cast<int>(public_pem.size()));
  const Key key(PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  if (!key) std::abort();
  return tpm_public_of(key.get());
}

TpmWorld::TpmWorld(bool with_rsa)
    : is_rsa(with_rsa),
      key(with_rsa ? rsa_key(RsaName::kTpm) : ec_key("ak", NID_X9_62_prime256v1)) {
  for (const uint32_t index : selected) values.push_back(filler<32>(fmt::format("pcr{}", index)));
}

std::vector<std::byte> TpmWorld::pcrs() const {
  std::vector<std::byte> all;
  for (const Fixed<32>& value : values) put(all, value.view());
  return all;
}

std::vector<PcrValues> TpmWorld::policy() const {
  std::vector<PcrValues> policy;
  for (size_t i = 0; i < selected.size(); ++i) policy.push_back({selected[i], {values[i]}});
  return policy;
}

std::vector<std::byte> TpmWorld::make_quote() const {
  std::vector<std::byte> quote;
  put_big(quote, magic);
  put_big(quote, type);
  put_sized(quote, filler<34>("qualified signer").view());
  put_sized(quote, extra_data.view());
  put_big(quote, uint64_t{123456});
  put_big(quote, uint32_t{3});
  put_big(quote, uint32_t{1});
  put_little(quote, uint8_t{1});
  put_big(quote, uint64_t{0x20191023});
  put_big(quote, uint32_t{1});
  put_big(quote, bank);
  put_little(quote, uint8_t{3});
  uint32_t bitmap = 0;
  for (const uint32_t index : selected) bitmap |= 1U << index;
  put(quote, {reinterpret_cast<const std::byte*>(&bitmap), 3});
  put_sized(quote, pcr_digest.empty() ? Bytes(sha256(pcrs())) : Bytes(pcr_digest));
  put(quote, trailing);
  return quote;
}

std::vector<std::byte> TpmWorld::sign(Bytes quote, bool bare) const {
  if (bare) return sign_rsa(key.get(), RsaPadding::kPkcs1, Hash::kSha256, quote);
  std::vector<std::byte> out;
  put_big(out, static_cast<uint16_t>(is_rsa ? 0x0014U : 0x0018U));
  put_big(out, uint16_t{0x000b});
  if (is_rsa) {
    put_sized(out, sign_rsa(key.get(), RsaPadding::kPkcs1, Hash::kSha256, quote));
  } else {
    const auto both = sign_ecdsa(key.get(), Hash::kSha256, quote);
    put_sized(out, Bytes(both).first(32));
    put_sized(out, Bytes(both).last(32));
  }
  return out;
}

Case TpmWorld::make() const {
  Case c;
  const auto quote = make_quote();
  const auto public_area = tpm_public_of(key.get(), attributes);
  c.evidence = {EvidenceKind::kTpm,
                quote,
                {{std::string(kTpmSignature), sign(quote)},
                 {std::string(kTpmPublic), public_area},
                 {std::string(kTpmPcrs), pcrs()}}};
  c.now = test_time();
  const auto binder = filler<32>("binder");
  c.expected.qualifying_data.assign(binder.bytes.begin(), binder.bytes.end());
  const auto parsed = parse_tpm_public(public_area);
  if (!parsed) std::abort();
  c.policy.tpm = TpmPolicy{{parsed->name}, policy()};
  return c;
}

AzureWorld::AzureWorld(bool is_snp) : snp(is_snp) {
  const auto binder = filler<32>("binder");
  runtime_data = fmt::format(
      R"({{"keys":[{{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":"{}"}},)"
      R"({{"kid":"HCLEkPub","key_ops":["encrypt"],"kty":"RSA","e":"AQAB","n":"AQAB"}}],)"
      R"("vm-configuration":{{"secure-boot":true}},"user-data":"{}{}"}})",
      base64(public_modulus(tpm.key.get()), Base64::kUrl), to_string(binder), std::string(64, '0'));
}

std::vector<std::byte> AzureWorld::make_hcl(Bytes hardware_report) const {
  std::vector<std::byte> hcl = bytes_of("HCLA");
  put_little(hcl, uint32_t{2});
  hcl.resize(32);
  put(hcl, hardware_report);
  hcl.resize(32 + 1184);
  put_little(hcl, static_cast<uint32_t>(runtime_data.size() + 20));
  put_little(hcl, uint32_t{1});
  put_little(hcl, uint32_t{snp ? 2U : 4U});
  put_little(hcl, uint32_t{1});
  put_little(hcl, static_cast<uint32_t>(runtime_data.size()));
  put(hcl, as_bytes(runtime_data));
  hcl.resize(std::max<size_t>(hcl.size(), 2600));
  return hcl;
}

Case AzureWorld::make() {
  const Fixed<64> report_data = hcl_report_data(runtime_data);
  Case c;
  std::vector<std::byte> hcl;
  if (snp) {
    c = amd.make();
    std::vector<std::byte> report = amd.report;
    if (bind) set(report, kReportDataAt, report_data.view());
    hcl = make_hcl(amd.signed_report(report));
    c.policy.azure_snp = AzureSnpPolicy{*c.policy.snp, tpm.policy()};
  } else {
    c = intel.make();
    hcl = make_hcl(std::vector<std::byte>(1024));
    c.policy.azure_tdx = AzureTdxPolicy{*c.policy.tdx, tpm.policy()};
  }
  c.policy.snp.reset();
  c.policy.tdx.reset();
  const auto quote = tpm.make_quote();
  c.evidence = {snp ? EvidenceKind::kAzureSnp : EvidenceKind::kAzureTdx,
                hcl,
                {{std::string(kTpmQuote), quote},
                 {std::string(kTpmSignature), tpm.sign(quote, true)},
                 {std::string(kTpmPcrs), tpm.pcrs()}}};
  if (!snp) {
    if (bind) set(intel.body, kTdReportDataAt, report_data.view());
    c.evidence.parts.push_back({std::string(kTdQuote), intel.make_quote()});
  }
  c.expected = {};
  const auto binder = filler<32>("binder");
  c.expected.qualifying_data.assign(binder.bytes.begin(), binder.bytes.end());
  return c;
}

}  // namespace cloister::attest::test
