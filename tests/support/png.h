// Small PNG files for tests, written without a library: 8-bit RGB, stored, not compressed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace cloister::test {

struct Picture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgb;
};

inline void put_be32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

inline uint32_t crc32(const std::string& bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1)));
  }
  return ~crc;
}

inline void put_chunk(std::string& out, const std::string& type, const std::string& data) {
  put_be32(out, static_cast<uint32_t>(data.size()));
  out += type + data;
  put_be32(out, crc32(type + data));
}

inline std::string png_bytes(const Picture& picture) {
  std::string raw;
  for (uint32_t y = 0; y < picture.height; ++y) {
    raw += '\0';  // no filter
    for (uint32_t i = 0; i < 3 * picture.width; ++i) {
      raw += static_cast<char>(picture.rgb[3 * picture.width * y + i]);
    }
  }
  std::string zlib = "\x78\x01";
  uint32_t a = 1;
  uint32_t b = 0;
  for (size_t start = 0; start < raw.size(); start += 65535) {
    const std::string block = raw.substr(start, 65535);
    zlib += static_cast<char>(start + block.size() == raw.size() ? 1 : 0);
    for (const size_t size : {block.size(), ~block.size()}) {
      zlib += static_cast<char>(size & 0xff);
      zlib += static_cast<char>((size >> 8) & 0xff);
    }
    zlib += block;
  }
  for (const char byte : raw) {
    a = (a + static_cast<uint8_t>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  put_be32(zlib, (b << 16) | a);
  std::string header;
  put_be32(header, picture.width);
  put_be32(header, picture.height);
  header += std::string("\x08\x02\x00\x00\x00", 5);
  std::string out = "\x89PNG\r\n\x1a\n";
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", zlib);
  put_chunk(out, "IEND", "");
  return out;
}

}  // namespace cloister::test
