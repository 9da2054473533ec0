#include "attest/azure/hcl.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "record/json.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kHclMagic = "HCLA";
constexpr uint32_t kSha256 = 1;
constexpr size_t kHeaderBytes = 32;
constexpr size_t kHardwareReportBytes = 1184;
constexpr uint32_t kRuntimeHeaderBytes = 20;
constexpr uint32_t kMaxRuntimeData = 16 << 10;
constexpr std::string_view kKeyName = "HCLAkPub";

Result<std::string> text(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) return invalid("no key '{}'", key);
  return json_text(key, object[key]);
}

Result<Key> rsa_key(const Json& jwk) {
  TRY(type, text(jwk, "kty"));
  if (type != "RSA") return fail(Kind::kUnsupported, "kty '{}', want 'RSA'", printable(type, 20));
  TRY(exponent_text, text(jwk, "e"));
  TRY(exponent, parse_base64(exponent_text, Base64::kUrl));
  if (exponent.empty() || exponent.size() > 4) return invalid("e of {} bytes", exponent.size());
  uint64_t e = 0;
  for (const std::byte byte : exponent) e = e << 8 | static_cast<uint8_t>(byte);
  TRY(modulus_text, text(jwk, "n"));
  TRY(modulus, parse_base64(modulus_text, Base64::kUrl));
  return rsa_public_key(modulus, e);
}

}  // namespace

Result<HclReport> parse_hcl_report(Bytes bytes) {
  Reader in(bytes);
  TRY(magic, in.take(kHclMagic.size()));
  if (as_text(magic) != kHclMagic) return invalid("does not start with 'HCLA'");
  TRY(header_version, in.number<uint32_t>());
  if (header_version < 1 || header_version > 2) {
    return fail(Kind::kUnsupported, "HCL report version {}, want 1 or 2", header_version);
  }
  TRY_OK(in.take(kHeaderBytes - 8));
  HclReport report;
  TRY(hardware, in.take(kHardwareReportBytes));
  report.hardware_report = hardware;
  uint32_t size = 0;
  uint32_t version = 0;
  uint32_t type = 0;
  uint32_t hash = 0;
  uint32_t length = 0;
  TRY_OK(read_fields(in, size, version, type, hash, length));
  if (version != 1) return fail(Kind::kUnsupported, "runtime data version {}, want 1", version);
  if (type != 2 && type != 4) {
    return fail(Kind::kUnsupported, "report type {}, want 2 (SNP) or 4 (TDX)", type);
  }
  if (hash != kSha256) return fail(Kind::kUnsupported, "hash type {}, want 1 (SHA-256)", hash);
  if (length > kMaxRuntimeData || size != length + kRuntimeHeaderBytes) {
    return invalid("runtime data of {} bytes in an area of {}", length, size);
  }
  report.type = static_cast<HclType>(type);
  TRY(runtime_data, in.take(length));
  report.runtime_data = as_text(runtime_data);
  TRY(rest, in.take(in.left()));
  if (std::ranges::any_of(rest, [](std::byte b) { return b != std::byte{0}; })) {
    return invalid("{} bytes after the runtime data, not all zero", rest.size());
  }
  return report;
}

Result<HclRuntimeData> parse_hcl_runtime_data(std::string_view json) {
  TRY(root, parse_strict_json(json, kMaxRuntimeData));
  if (!root.is_object() || !root.contains("keys") || !root["keys"].is_array()) {
    return invalid("no array 'keys'");
  }
  HclRuntimeData data;
  for (const Json& jwk : root["keys"]) {
    TRY(name, text(jwk, "kid"));
    if (name != kKeyName) continue;
    if (data.attestation_key) return invalid("key '{}' occurs twice", kKeyName);
    auto key = rsa_key(jwk);
    if (!key) return with_context(key.error(), std::string(kKeyName));
    data.attestation_key = std::move(*key);
  }
  if (!data.attestation_key) return invalid("no key '{}'", kKeyName);
  TRY(user_data, text(root, "user-data"));
  const auto parsed = parse_hex(user_data, data.user_data.bytes);
  if (!parsed) return with_context(parsed.error(), "user-data");
  return data;
}

Fixed<64> hcl_report_data(std::string_view runtime_data) {
  Fixed<64> data;
  std::ranges::copy(sha256(as_bytes(runtime_data)), data.bytes.begin());
  return data;
}

}  // namespace cloister::attest
