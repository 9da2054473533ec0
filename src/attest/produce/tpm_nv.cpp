#include "attest/produce/tpm_nv.h"

#include <algorithm>
#include <cstring>

namespace cloister::attest {
namespace {

// What every TPM moves in one command.
constexpr size_t kMaxPiece = 512;

// Handles end with their session.
Result<ESYS_TR> find_index(const TpmSession& session, uint32_t index) {
  ESYS_TR handle = ESYS_TR_NONE;
  TRY_OK(check_tpm(Esys_TR_FromTPMPublic(session.get(), index, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, &handle),
                   fmt::format("find NV index {:#x}", index)));
  return handle;
}

Result<ESYS_TR> define_index(const TpmSession& session, uint32_t index, uint16_t size) {
  TPM2B_NV_PUBLIC wanted{};
  wanted.nvPublic.nvIndex = index;
  wanted.nvPublic.nameAlg = TPM2_ALG_SHA256;
  wanted.nvPublic.attributes =
      TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD;
  wanted.nvPublic.dataSize = size;
  const TPM2B_AUTH no_password{};
  ESYS_TR handle = ESYS_TR_NONE;
  TRY_OK(check_tpm(Esys_NV_DefineSpace(session.get(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                       ESYS_TR_NONE, ESYS_TR_NONE, &no_password, &wanted, &handle),
                   fmt::format("define NV index {:#x}", index)));
  return handle;
}

}  // namespace

Result<std::vector<std::byte>> read_nv(const TpmSession& session, uint32_t index, size_t most) {
  TRY(handle, find_index(session, index));
  const std::string doing = fmt::format("read NV index {:#x}", index);
  TpmOut<TPM2B_NV_PUBLIC> area;
  TRY_OK(check_tpm(Esys_NV_ReadPublic(session.get(), handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                      ESYS_TR_NONE, area.out(), nullptr),
                   doing));
  const size_t size = area->nvPublic.dataSize;
  if (size > most) return invalid("NV index {:#x}: {} bytes, want at most {}", index, size, most);
  std::vector<std::byte> bytes;
  while (bytes.size() < size) {
    const size_t wanted = std::min(kMaxPiece, size - bytes.size());
    TpmOut<TPM2B_MAX_NV_BUFFER> piece;
    TRY_OK(check_tpm(Esys_NV_Read(session.get(), ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD,
                                  ESYS_TR_NONE, ESYS_TR_NONE, static_cast<uint16_t>(wanted),
                                  static_cast<uint16_t>(bytes.size()), piece.out()),
                     doing));
    if (piece->size != wanted)
      return invalid("NV index {:#x}: {} bytes read, want {}", index, piece->size, wanted);
    const Bytes read = std::as_bytes(std::span(piece->buffer, piece->size));
    bytes.insert(bytes.end(), read.begin(), read.end());
  }
  return bytes;
}

Result<> write_nv(const TpmSession& session, uint32_t index, Bytes bytes) {
  if (bytes.empty() || bytes.size() > kMaxPiece)
    return fail(Kind::kInternal, "{} bytes to NV", bytes.size());
  auto handle = find_index(session, index);
  if (!handle && handle.error().kind == Kind::kNotFound) {
    handle = define_index(session, index, static_cast<uint16_t>(bytes.size()));
  }
  if (!handle) return std::unexpected(handle.error());
  TPM2B_MAX_NV_BUFFER data{};
  data.size = static_cast<uint16_t>(bytes.size());
  std::memcpy(data.buffer, bytes.data(), bytes.size());
  return check_tpm(Esys_NV_Write(session.get(), ESYS_TR_RH_OWNER, *handle, ESYS_TR_PASSWORD,
                                 ESYS_TR_NONE, ESYS_TR_NONE, &data, 0),
                   fmt::format("write NV index {:#x}", index));
}

}  // namespace cloister::attest
