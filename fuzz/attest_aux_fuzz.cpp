// The certificate table that a host hands to an SEV-SNP guest: whatever comes out of it is a
// certificate that lies in it. The first byte says who signed the report.
#include <algorithm>

#include "attest/produce/certificate_table.h"
#include "attest/x509.h"
#include "fuzz/attest_fuzz.h"

using namespace cloister;
using namespace cloister::attest;
using namespace cloister::attest::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr SnpSigner kSigners[] = {SnpSigner::kVcek, SnpSigner::kVlek, SnpSigner::kNone};
  const SnpSigner signer = kSigners[data[0] % 3];
  const Bytes table = input_bytes(data + 1, size - 1);
  const auto blobs = parse_certificate_table(table, signer);
  if (!blobs) {
    require(!blobs.error().message.empty());
    return 0;
  }
  require(blobs->size() <= (signer == SnpSigner::kNone ? 0U : 2U));
  require(check_form({.kind = EvidenceKind::kSnp}, {*blobs}).has_value() ||
          table.size() > kMaxEndorsementBytes);
  for (const Blob& blob : *blobs) {
    require(parse_certificate(blob.bytes).has_value());
    require(!std::ranges::search(table, blob.bytes).empty());
  }
  return 0;
}
