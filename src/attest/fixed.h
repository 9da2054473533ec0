// Byte strings of a fixed length: digests, measurements, identities; as hexadecimal in records.
#pragma once

#include <array>
#include <compare>

#include "base/bytes.h"
#include "base/sha256.h"

namespace cloister::attest {

// Fills `out` from exactly twice as many hexadecimal digits, of either case. kInvalid otherwise.
Result<> parse_hex(std::string_view text, MutableBytes out);

template <size_t N>
struct Fixed {
  std::array<std::byte, N> bytes{};

  auto operator<=>(const Fixed&) const = default;
  Bytes view() const { return bytes; }
  bool is_zero() const { return *this == Fixed{}; }
};

// For records (record/fields.h): written in lower case.
template <size_t N>
std::string to_string(const Fixed<N>& value) {
  return to_hex(value.bytes);
}
template <size_t N>
Result<> from_string(std::string_view text, Fixed<N>& out) {
  return parse_hex(text, out.bytes);
}

// Whether two byte strings are equal, in a time that depends on their lengths only.
bool same_bytes(Bytes a, Bytes b);

// For parsers: bytes that are passed over.
template <size_t N>
struct Skip {};

template <std::integral T>
Result<> read_field(Reader& in, T& out) {
  TRY(value, in.number<T>());
  out = value;
  return {};
}
template <size_t N>
Result<> read_field(Reader& in, Fixed<N>& out) {
  TRY(taken, in.take(N));
  std::memcpy(out.bytes.data(), taken.data(), N);
  return {};
}
template <size_t N>
Result<> read_field(Reader& in, Skip<N>) {
  TRY_OK(in.take(N));
  return {};
}

// Little-endian numbers and byte strings, one after the other.
template <typename... Fields>
Result<> read_fields(Reader& in, Fields&&... fields) {
  Result<> result;
  (void)((result = read_field(in, std::forward<Fields>(fields))) && ...);
  return result;
}

}  // namespace cloister::attest
