// The whole TDX and SGX verifier under an Intel of our own: no quote crashes it, and what it trusts
// is what the policy asks for. The first byte says what the rest is: 0 a TDX quote, 1 an SGX quote,
// 2 and 3 a header and body to be signed, 4 and 5 a PCK extension to be certified, 6 a PCK CRL.
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

namespace {

// Signed by everyone, with whatever is in it.
std::vector<std::byte> signed_quote(bool tdx, cloister::Bytes bytes) {
  DcapWorld world(tdx, tdx ? 4 : 3);
  const size_t header = std::min<size_t>(bytes.size(), 48);
  world.header = copy_of(bytes.first(header));
  world.body = copy_of(bytes.subspan(header));
  world.version = header > 0 ? static_cast<uint8_t>(bytes[0]) : 0;
  return world.make_quote();
}

std::vector<std::byte> quote_with_extension(bool tdx, cloister::Bytes bytes) {
  DcapWorld world(tdx, tdx ? 4 : 3);
  world.has_pck_extension = false;
  world.pck.extensions.emplace_back("1.2.840.113741.1.13.1", copy_of(bytes));
  return world.make_quote();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Case tdx = DcapWorld(true).make();
  static const Case sgx = DcapWorld(false, 3).make();
  if (size == 0) return 0;
  const cloister::Bytes rest = input_bytes(data + 1, size - 1);
  const int what = data[0] % 7;
  Case c = what % 2 == 0 ? tdx : sgx;
  if (what < 2) {
    c.evidence.report = copy_of(rest);
  } else if (what < 4) {
    c.evidence.report = signed_quote(what == 2, rest);
  } else if (what < 6) {
    c.evidence.report = quote_with_extension(what == 4, rest);
  } else {
    blob(c.endorsements.blobs, kPckCrl) = copy_of(rest);
  }
  const Verdict verdict = checked_verdict(c);
  if (!verdict.trusted) return 0;
  require(verdict.claims.report_data == filler<64>("report data"));
  require(verdict.claims.dcap->tcb_status == TcbStatus::kUpToDate);
  require(verdict.claims.dcap->fmspc == filler<6>("fmspc"));
  if (verdict.claims.tdx) {
    require(!verdict.claims.tdx->debug && verdict.claims.tdx->mrtd == filler<48>("mrtd"));
  } else {
    require(!verdict.claims.sgx->debug && verdict.claims.sgx->mr_enclave == filler<32>("enclave"));
  }
  return 0;
}
