#include "attest/produce/certificate_table.h"

#include <algorithm>

#include "attest/fixed.h"
#include "attest/x509.h"

namespace cloister::attest {
namespace {

using Guid = Fixed<16>;

// The bytes of a GUID are in the order in which it is written (RFC 4122).
Guid guid(std::string_view digits) {
  Guid value;
  (void)parse_hex(digits, value.bytes);  // of the constants below
  return value;
}

struct Wanted {
  std::string_view blob;
  std::string_view what;
  Guid guid;
};

std::vector<Wanted> wanted_for(SnpSigner signer) {
  const Wanted vcek = {kVek, "VCEK", guid("63da758de6644564adc5f4b93be8accd")};
  const Wanted vlek = {kVek, "VLEK", guid("a8074bc2a25a483eaae639c045a0b8a1")};
  const Wanted intermediate = {kIntermediate, "ASK", guid("4ab7b379bbac4fe4a02f05aef327c782")};
  if (signer == SnpSigner::kVcek) return {vcek, intermediate};
  if (signer == SnpSigner::kVlek) return {vlek, intermediate};
  return {};
}

}  // namespace

Result<std::vector<Blob>> parse_certificate_table(Bytes table, SnpSigner signer) {
  const std::vector<Wanted> wanted = wanted_for(signer);
  std::vector<Blob> blobs;
  Reader in(table);
  while (in.left() != 0) {
    Guid id;
    uint32_t offset = 0;
    uint32_t length = 0;
    TRY_OK(read_fields(in, id, offset, length));
    if (id.is_zero()) return blobs;
    const auto row = std::ranges::find(wanted, id, &Wanted::guid);
    if (row == wanted.end()) continue;
    Reader from(table);
    const auto skipped = from.take(offset);
    const auto bytes = skipped ? from.take(length) : skipped;
    if (!bytes) {
      return invalid("{}: {} bytes at {}, in a table of {}", row->what, length, offset,
                     table.size());
    }
    if (const auto parsed = parse_certificate(*bytes); !parsed) {
      return with_context(parsed.error(), std::string(row->what));
    }
    if (std::ranges::find(blobs, row->blob, &Blob::name) != blobs.end()) {
      return invalid("{} occurs twice", row->what);
    }
    blobs.push_back({std::string(row->blob), {bytes->begin(), bytes->end()}});
  }
  if (table.empty()) return blobs;
  return invalid("{} bytes, and no entry that ends the table", table.size());
}

}  // namespace cloister::attest
