// The little of DER (X.690) that certificates' vendor extensions need.
#pragma once

#include "base/bytes.h"

namespace cloister::attest {

inline constexpr uint8_t kDerInteger = 0x02;
inline constexpr uint8_t kDerOctets = 0x04;
inline constexpr uint8_t kDerOid = 0x06;
inline constexpr uint8_t kDerEnumerated = 0x0a;
inline constexpr uint8_t kDerIa5 = 0x16;
inline constexpr uint8_t kDerSequence = 0x30;

// A cursor over elements of DER. Tags of one byte, definite lengths below 64 KiB in their shortest
// form; anything else is kInvalid. Not thread-safe.
class DerReader {
 public:
  explicit DerReader(Bytes bytes) : in_(bytes) {}

  size_t left() const { return in_.left(); }

  // The content of the next element, which must have this tag.
  Result<Bytes> element(uint8_t tag);
  // The next element as a whole number of at most 64 bits, from an INTEGER or an ENUMERATED.
  Result<uint64_t> number(uint8_t tag = kDerInteger);

 private:
  Reader in_;
};

// The one element that `bytes` hold, of this tag, with nothing after it.
Result<Bytes> sole_element(Bytes bytes, uint8_t tag);
Result<uint64_t> sole_number(Bytes bytes, uint8_t tag = kDerInteger);

}  // namespace cloister::attest
