#include "attest/der.h"

namespace cloister::attest {
namespace {

Result<uint64_t> whole_number(Bytes content) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(content[i]); };
  if (content.empty()) return invalid("DER: a number of no bytes");
  if (at(0) >= 0x80) return invalid("DER: a number below zero");
  if (content.size() > 1 && at(0) == 0) {
    if (at(1) < 0x80) return invalid("DER: a number with surplus zeros");
    content = content.subspan(1);
  }
  if (content.size() > 8) return invalid("DER: a number of {} bytes", content.size());
  uint64_t number = 0;
  for (const std::byte byte : content) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

}  // namespace

Result<Bytes> DerReader::element(uint8_t tag) {
  Reader in = in_;
  TRY(found, in.number<uint8_t>());
  if (found != tag) return invalid("DER: tag {:#04x}, want {:#04x}", found, tag);
  TRY(first, in.number<uint8_t>());
  uint64_t length = first;
  if (first == 0x81) {
    TRY(one, in.number<uint8_t>());
    if (one < 0x80) return invalid("DER: a length that is not in its shortest form");
    length = one;
  } else if (first == 0x82) {
    TRY(two, in.big_number<uint16_t>());
    if (two < 0x100) return invalid("DER: a length that is not in its shortest form");
    length = two;
  } else if (first >= 0x80) {
    return invalid("DER: length byte {:#04x}", first);
  }
  TRY(content, in.take(length));
  in_ = in;
  return content;
}

Result<uint64_t> DerReader::number(uint8_t tag) {
  TRY(content, element(tag));
  return whole_number(content);
}

Result<Bytes> sole_element(Bytes bytes, uint8_t tag) {
  DerReader in(bytes);
  TRY(content, in.element(tag));
  if (in.left() != 0) return invalid("DER: {} bytes after the element", in.left());
  return content;
}

Result<uint64_t> sole_number(Bytes bytes, uint8_t tag) {
  TRY(content, sole_element(bytes, tag));
  return whole_number(content);
}

}  // namespace cloister::attest
