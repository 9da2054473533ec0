// The whole TDX and SGX verifier under an Intel of our own: no quote crashes it, and what it trusts
// is what the policy asks for. The first byte says what the rest is: 0 a TDX quote, 1 an SGX quote,
// 2 and 3 a header and body to be signed, 4 and 5 a PCK extension to be certified, 6 a PCK CRL.
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

namespace {

// Header and body as they are, signed by a quoting enclave that is vouched for.
std::vector<std::byte> signed_quote(const DcapWorld& world, cloister::Bytes bytes) {
  static const auto behind_body = [](const DcapWorld& good) {
    const auto quote = good.make_quote();
    return copy_of(cloister::Bytes(quote).subspan(good.header.size() + good.body.size()));
  };
  static const std::vector<std::byte> tails[] = {behind_body(DcapWorld(false, 3)),
                                                 behind_body(DcapWorld(true, 4))};
  std::vector<std::byte> quote = copy_of(bytes);
  const cloister::Bytes tail = tails[world.tdx ? 1 : 0];
  put(quote, tail.first(4));
  put(quote, sign_ecdsa(world.attestation_key.get(), Hash::kSha256, bytes));
  put(quote, tail.subspan(4 + 64));
  return quote;
}

std::vector<std::byte> quote_with_extension(DcapWorld& world, cloister::Bytes bytes) {
  world.has_pck_extension = false;
  world.pck.extensions = {{"1.2.840.113741.1.13.1", copy_of(bytes)}};
  return world.make_quote();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static DcapWorld tdx_world(true);
  static DcapWorld sgx_world(false, 3);
  static const Case tdx = tdx_world.make();
  static const Case sgx = sgx_world.make();
  if (size == 0) return 0;
  const cloister::Bytes rest = input_bytes(data + 1, size - 1);
  const int what = data[0] % 7;
  DcapWorld& world = what % 2 == 0 ? tdx_world : sgx_world;
  Case c = what % 2 == 0 ? tdx : sgx;
  if (what < 2) {
    c.evidence.report = copy_of(rest);
  } else if (what < 4) {
    c.evidence.report = signed_quote(world, rest);
  } else if (what < 6) {
    c.evidence.report = quote_with_extension(world, rest);
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
