#include "attest/snp/report.h"

#include <algorithm>

namespace cloister::attest {
namespace {

constexpr uint32_t kEcdsaP384Sha384 = 1;

bool is_zero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

// A number of the signature: 72 bytes, little-endian, of which 48 are used.
Result<> read_number(Reader& in, Fixed<48>& out) {
  TRY(bytes, in.take(72));
  if (!is_zero(bytes.subspan(48))) return invalid("signature: a number over 48 bytes");
  std::ranges::reverse_copy(bytes.first(48), out.bytes.begin());
  return {};
}

}  // namespace

Result<SnpReport> parse_snp_report(Bytes bytes) {
  if (bytes.size() != kSnpReportBytes) {
    return invalid("{} bytes, want {}", bytes.size(), kSnpReportBytes);
  }
  Reader in(bytes);
  SnpReport r;
  TRY_OK(read_fields(in, r.version));
  if (r.version > 5) return fail(Kind::kUnsupported, "version {}, want 2 to 5", r.version);
  if (r.version < 2) return invalid("version {}, want 2 to 5", r.version);
  TRY_OK(read_fields(in, r.guest_svn, r.policy, r.family_id, r.image_id, r.vmpl,
                     r.signature_algorithm, r.current_tcb, r.platform_info, r.key_info, Skip<4>{},
                     r.report_data, r.measurement, r.host_data, r.id_key_digest,
                     r.author_key_digest, r.report_id, r.report_id_ma, r.reported_tcb, r.cpu_family,
                     r.cpu_model, r.cpu_stepping, Skip<21>{}, r.chip_id, r.committed_tcb, Skip<8>{},
                     r.launch_tcb, r.launch_mitigations, r.current_mitigations, Skip<152>{}));
  if (r.signature_algorithm != kEcdsaP384Sha384) {
    return fail(Kind::kUnsupported, "signature algorithm {}, want 1 (ECDSA P-384 with SHA-384)",
                r.signature_algorithm);
  }
  TRY_OK(read_number(in, r.r));
  TRY_OK(read_number(in, r.s));
  TRY(padding, in.take(in.left()));
  if (!is_zero(padding)) return invalid("signature: nonzero bytes after it");
  return r;
}

SnpTcb decode_tcb(const Fixed<8>& bytes, SnpProduct product) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes.bytes[i]); };
  if (product == SnpProduct::kTurin) return {at(0), at(1), at(2), at(3), at(7)};
  return {0, at(0), at(1), at(6), at(7)};
}

Result<SnpProduct> product_of_cpu(uint8_t family, uint8_t model) {
  if (family == 0x19) {
    if (model <= 0x0f) return SnpProduct::kMilan;
    // Models a0 to af are Bergamo and Siena, with Genoa's keys.
    if (model <= 0x1f || (model >= 0xa0 && model <= 0xaf)) return SnpProduct::kGenoa;
  }
  if (family == 0x1a && model <= 0x11) return SnpProduct::kTurin;
  return fail(Kind::kUnsupported, "CPU family {:#x} model {:#x}: not Milan, Genoa or Turin", family,
              model);
}

}  // namespace cloister::attest
