// Certificate tables as a host hands them to an SEV-SNP guest.
#pragma once

#include <cstdlib>

#include "attest/evidence.h"
#include "tests/attest/authority.h"
#include "tests/attest/snp_world.h"

namespace cloister::attest::test {

inline constexpr std::string_view kVcekGuid = "63da758de6644564adc5f4b93be8accd";
inline constexpr std::string_view kVlekGuid = "a8074bc2a25a483eaae639c045a0b8a1";
inline constexpr std::string_view kAskGuid = "4ab7b379bbac4fe4a02f05aef327c782";
inline constexpr std::string_view kArkGuid = "c0b406a4a803495297433fb6014cd0ae";

struct TableEntry {
  std::string guid;
  std::vector<std::byte> bytes;
};

// Entries, an empty one, then what they are about.
inline std::vector<std::byte> make_table(const std::vector<TableEntry>& entries) {
  std::vector<std::byte> table;
  size_t offset = 24 * (entries.size() + 1);
  for (const TableEntry& entry : entries) {
    Fixed<16> guid;
    if (!parse_hex(entry.guid, guid.bytes)) std::abort();
    put(table, guid.view());
    put_little(table, static_cast<uint32_t>(offset));
    put_little(table, static_cast<uint32_t>(entry.bytes.size()));
    offset += entry.bytes.size();
  }
  table.resize(table.size() + 24);
  for (const TableEntry& entry : entries) put(table, entry.bytes);
  return table;
}

// The certificates of a chip of our own.
inline std::vector<std::byte> table_of(const SnpWorld& world) {
  Case c = world.make();
  return make_table(
      {{std::string(world.is_vlek ? kVlekGuid : kVcekGuid), blob(c.endorsements.blobs, kVek)},
       {std::string(kAskGuid), blob(c.endorsements.blobs, kIntermediate)}});
}

}  // namespace cloister::attest::test
