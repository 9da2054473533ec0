#include "attest/dcap/quote.h"

#include <algorithm>

namespace cloister::attest {
namespace {

constexpr uint16_t kEcdsaP256 = 2;
constexpr uint32_t kTeeSgx = 0;
constexpr uint32_t kTeeTdx = 0x81;
constexpr std::string_view kIntelVendor = "939a7233f79c4ca9940a0db3957f0607";
constexpr uint16_t kPckChain = 5;  // certification data: a PEM chain
constexpr uint16_t kQeReportCertification = 6;
constexpr uint16_t kBodySgx = 1;
constexpr uint16_t kBodyTd10 = 2;
constexpr uint16_t kBodyTd15 = 3;

Result<SgxReport> parse_sgx_report(Bytes bytes) {
  Reader in(bytes);
  SgxReport r;
  TRY_OK(read_fields(in, r.cpu_svn, r.misc_select, Skip<28>{}, r.attributes, r.mr_enclave,
                     Skip<32>{}, r.mr_signer, Skip<32>{}, r.config_id, r.isv_prod_id, r.isv_svn,
                     r.config_svn, Skip<58>{}, r.report_data));
  return r;
}

Result<TdReport> parse_td_report(Bytes bytes) {
  Reader in(bytes);
  TdReport r;
  TRY_OK(read_fields(in, r.tee_tcb_svn, r.mr_seam, r.mr_signer_seam, r.seam_attributes,
                     r.attributes, r.xfam, r.mrtd, r.mr_config_id, r.mr_owner, r.mr_owner_config,
                     r.rtmr[0], r.rtmr[1], r.rtmr[2], r.rtmr[3], r.report_data));
  if (bytes.size() == kTdReport15Bytes) {
    TRY_OK(read_fields(in, r.tee_tcb_svn2.emplace(), r.mr_service_td));
  }
  return r;
}

Result<> read_body(Reader& in, DcapQuote& quote, uint32_t tee) {
  uint16_t type = tee == kTeeTdx ? kBodyTd10 : kBodySgx;
  uint64_t size = tee == kTeeTdx ? kTdReport10Bytes : kSgxReportBytes;
  if (quote.version == 5) {
    uint32_t given = 0;
    TRY_OK(read_fields(in, type, given));
    if (type < kBodySgx || type > kBodyTd15) {
      return fail(Kind::kUnsupported, "body type {}, want 1 to 3", type);
    }
    size = type == kBodySgx    ? kSgxReportBytes
           : type == kBodyTd10 ? kTdReport10Bytes
                               : kTdReport15Bytes;
    if (given != size) return invalid("body of {} bytes, want {}", given, size);
    if ((type == kBodySgx) != (tee == kTeeSgx)) {
      return invalid("body type {} in a quote of TEE type {:#x}", type, tee);
    }
  }
  TRY(body, in.take(size));
  if (type == kBodySgx) {
    TRY(report, parse_sgx_report(body));
    quote.sgx = report;
  } else {
    TRY(report, parse_td_report(body));
    quote.td = report;
  }
  return {};
}

// QE report, its signature, authentication data and the PCK chain.
Result<> read_certification(Reader& in, DcapQuote& quote) {
  TRY(report_bytes, in.take(kSgxReportBytes));
  TRY(report, parse_sgx_report(report_bytes));
  TRY(signature, in.take(64));
  TRY(auth_size, in.number<uint16_t>());
  TRY(auth, in.take(auth_size));
  TRY(type, in.number<uint16_t>());
  if (type != kPckChain) {
    return fail(Kind::kUnsupported, "certification data of type {}, want 5 (a PCK chain)", type);
  }
  TRY(size, in.number<uint32_t>());
  TRY(chain, in.take(size));
  if (in.left() != 0) return invalid("{} bytes after the certification data", in.left());
  quote.qe_report_bytes = report_bytes;
  quote.qe_report = report;
  quote.qe_signature = signature;
  quote.qe_auth_data = auth;
  quote.pck_chain = as_text(chain);
  while (quote.pck_chain.ends_with('\0')) quote.pck_chain.remove_suffix(1);
  return {};
}

Result<> read_signature_data(Bytes data, DcapQuote& quote) {
  Reader in(data);
  TRY(signature, in.take(64));
  TRY(key, in.take(64));
  quote.signature = signature;
  quote.attestation_key = key;
  if (quote.version == 3) return read_certification(in, quote);
  TRY(type, in.number<uint16_t>());
  if (type != kQeReportCertification) {
    return fail(Kind::kUnsupported, "certification data of type {}, want 6", type);
  }
  TRY(size, in.number<uint32_t>());
  TRY(inner, in.take(size));
  if (in.left() != 0) return invalid("{} bytes after the signature data", in.left());
  Reader certification(inner);
  return read_certification(certification, quote);
}

}  // namespace

uint64_t SgxReport::flags() const {
  return *Reader(attributes.view()).number<uint64_t>();
}

uint64_t SgxReport::xfrm() const {
  return *Reader(attributes.view().subspan(8)).number<uint64_t>();
}

Result<DcapQuote> parse_dcap_quote(Bytes bytes) {
  Reader in(bytes);
  DcapQuote quote;
  uint16_t key_type = 0;
  uint32_t tee = 0;
  Fixed<16> vendor;
  TRY_OK(read_fields(in, quote.version));
  if (quote.version < 3 || quote.version > 5) {
    return fail(Kind::kUnsupported, "quote version {}, want 3 to 5", quote.version);
  }
  TRY_OK(read_fields(in, key_type, tee, Skip<4>{}, vendor, Skip<20>{}));
  if (key_type != kEcdsaP256) {
    return fail(Kind::kUnsupported, "attestation key of type {}, want 2 (ECDSA P-256)", key_type);
  }
  if (tee != kTeeSgx && (tee != kTeeTdx || quote.version == 3)) {
    return fail(Kind::kUnsupported, "TEE type {:#x} in a quote of version {}", tee, quote.version);
  }
  if (to_string(vendor) != kIntelVendor) {
    return fail(Kind::kUnsupported, "quoting enclave of vendor {}, want Intel's",
                to_string(vendor));
  }
  TRY_OK(read_body(in, quote, tee));
  quote.signed_bytes = bytes.first(bytes.size() - in.left());
  TRY(size, in.number<uint32_t>());
  TRY(data, in.take(size));
  TRY_OK(read_signature_data(data, quote));
  TRY(rest, in.take(in.left()));
  if (std::ranges::any_of(rest, [](std::byte b) { return b != std::byte{0}; })) {
    return invalid("{} bytes after the signature data, not all zero", rest.size());
  }
  return quote;
}

}  // namespace cloister::attest
