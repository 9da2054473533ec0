#include "attest/snp/certificate.h"

#include "attest/der.h"

namespace cloister::attest {
namespace {

constexpr const char* kStructVersion = "1.3.6.1.4.1.3704.1.1";
constexpr const char* kProduct = "1.3.6.1.4.1.3704.1.2";
constexpr const char* kBootloader = "1.3.6.1.4.1.3704.1.3.1";
constexpr const char* kTee = "1.3.6.1.4.1.3704.1.3.2";
constexpr const char* kSnp = "1.3.6.1.4.1.3704.1.3.3";
constexpr const char* kMicrocode = "1.3.6.1.4.1.3704.1.3.8";
constexpr const char* kFmcOid = "1.3.6.1.4.1.3704.1.3.9";
constexpr const char* kHwid = "1.3.6.1.4.1.3704.1.4";
constexpr const char* kCsp = "1.3.6.1.4.1.3704.1.5";

Result<Bytes> required(const X509* certificate, const char* oid) {
  TRY(found, extension(certificate, oid));
  if (!found) return invalid("no extension {}", oid);
  return *found;
}

Result<uint8_t> version(const X509* certificate, const char* oid) {
  TRY(bytes, required(certificate, oid));
  const auto number = sole_number(bytes);
  if (!number) return with_context(number.error(), oid);
  if (*number > 255) return invalid("{}: {}, want at most 255", oid, *number);
  return static_cast<uint8_t>(*number);
}

Result<SnpProduct> product_named(Bytes name) {
  const std::string_view whole = as_text(name);
  const std::string_view product = whole.substr(0, whole.find('-'));  // "Milan-B0"
  if (product == "Milan") return SnpProduct::kMilan;
  if (product == "Genoa") return SnpProduct::kGenoa;
  if (product == "Turin") return SnpProduct::kTurin;
  return fail(Kind::kUnsupported, "product '{}': not Milan, Genoa or Turin", printable(whole, 40));
}

// AMD writes the chip's identity bare; an OCTET STRING around it is taken too.
Bytes unwrapped(Bytes hwid) {
  const auto inner = sole_element(hwid, kDerOctets);
  return inner && (inner->size() == 64 || inner->size() == 8) ? *inner : hwid;
}

}  // namespace

Result<VekExtensions> vek_extensions(const X509* certificate) {
  VekExtensions vek;
  TRY(name, required(certificate, kProduct));
  TRY(ia5, sole_element(name, kDerIa5));
  TRY(product, product_named(ia5));
  vek.product = product;
  TRY(struct_version, version(certificate, kStructVersion));
  const bool turin = product == SnpProduct::kTurin;
  if (struct_version != (turin ? 1 : 0)) {
    return fail(Kind::kUnsupported, "certificate of structure {}, want {} for {}", struct_version,
                turin ? 1 : 0, to_string(product));
  }
  TRY(bootloader, version(certificate, kBootloader));
  TRY(tee, version(certificate, kTee));
  TRY(snp, version(certificate, kSnp));
  TRY(microcode, version(certificate, kMicrocode));
  vek.tcb = {0, bootloader, tee, snp, microcode};
  if (turin) {
    TRY(fmc, version(certificate, kFmcOid));
    vek.tcb.fmc = fmc;
  }
  TRY(hwid, extension(certificate, kHwid));
  if (hwid) {
    const Bytes bytes = unwrapped(*hwid);
    vek.hwid.assign(bytes.begin(), bytes.end());
  }
  TRY(csp, extension(certificate, kCsp));
  if (csp) {
    TRY(text, sole_element(*csp, kDerIa5));
    vek.csp = as_text(text);
    if (vek.csp.empty() || vek.csp != printable(vek.csp)) {
      return invalid("{}: '{}', want a name", kCsp, printable(vek.csp));
    }
  }
  return vek;
}

}  // namespace cloister::attest
