// Intel's collateral under an Intel of our own: no JSON crashes the verifier, what it reads is what
// was signed, and collateral that is signed anew is never read in two ways. The first byte says
// what the rest is: 0 TCB info with its signature, 1 QE identity with its signature, 2 and 3 the
// object to be signed, 4 an issuer chain.
#include "attest/dcap/tcb_info.h"
#include "fuzz/attest_fuzz.h"

using namespace cloister::attest;
using namespace cloister::attest::test;

namespace {

// The object found is part of the text, and reads the same on its own.
void check_object(cloister::Bytes text, std::string_view key) {
  const auto parsed = parse_signed_json(text, key);
  if (!parsed) return;
  const std::string_view all = cloister::as_text(text);
  require(parsed->object.data() >= all.data() &&
          parsed->object.data() + parsed->object.size() <= all.data() + all.size());
  require(parsed->object.starts_with('{') && parsed->object.ends_with('}'));
  const auto whole = cloister::parse_strict_json(all, kMaxEndorsementBytes);
  const auto object = cloister::parse_strict_json(parsed->object, kMaxEndorsementBytes);
  require(whole && object && (*whole)[std::string(key)] == *object);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const DcapWorld world;
  static const Case good = world.make();
  if (size == 0) return 0;
  const auto rest = copy_of(input_bytes(data + 1, size - 1));
  const std::string text(cloister::as_text(rest));
  Case c = good;
  auto& blobs = c.endorsements.blobs;
  switch (data[0] % 5) {
    case 0:
      blob(blobs, kTcbInfo) = rest;
      check_object(rest, "tcbInfo");
      break;
    case 1:
      blob(blobs, kQeIdentity) = rest;
      check_object(rest, "enclaveIdentity");
      break;
    case 2:
      blob(blobs, kTcbInfo) = world.signed_json("tcbInfo", text);
      check_object(blob(blobs, kTcbInfo), "tcbInfo");
      break;
    case 3:
      blob(blobs, kQeIdentity) = world.signed_json("enclaveIdentity", text);
      check_object(blob(blobs, kQeIdentity), "enclaveIdentity");
      break;
    case 4:
      blob(blobs, kTcbInfoChain) = rest;
      break;
  }
  const Verdict verdict = checked_verdict(c);
  if (verdict.trusted) require(verdict.claims.dcap->tcb_status == TcbStatus::kUpToDate);
  return 0;
}
