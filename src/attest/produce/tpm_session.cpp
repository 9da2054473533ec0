#include "attest/produce/tpm_session.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "attest/tpm/quote.h"

namespace cloister::attest {
namespace {

constexpr TSS2_RC kFormat1 = TPM2_RC_FMT1;  // errors about a handle or a parameter ...
constexpr TSS2_RC kFormat1Mask = 0xbf;      // ... whose number is left out
constexpr TSS2_RC kWarning = TPM2_RC_WARN;  // "may be asked again"
constexpr TSS2_RC kWarningMask = 0xf00;

Kind kind_of(TSS2_RC code) {
  const TSS2_RC layer = code & TSS2_RC_LAYER_MASK;
  const TSS2_RC base = code & ~TSS2_RC_LAYER_MASK;
  if (layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER ||
      layer == TSS2_RESMGR_TPM_RC_LAYER) {
    if ((base & kFormat1) != 0) {
      return (base & kFormat1Mask) == TPM2_RC_HANDLE ? Kind::kNotFound : Kind::kIo;
    }
    return (base & kWarningMask) == kWarning ? Kind::kUnavailable : Kind::kIo;
  }
  const bool unreachable = base == TSS2_BASE_RC_IO_ERROR || base == TSS2_BASE_RC_NO_CONNECTION ||
                           base == TSS2_BASE_RC_TRY_AGAIN;
  return layer == TSS2_TCTI_RC_LAYER && unreachable ? Kind::kUnavailable : Kind::kIo;
}

TPM2B_PUBLIC attestation_template() {
  TPM2B_PUBLIC made{};
  TPMT_PUBLIC& area = made.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  // With the empty password: whoever may use the TPM may have it attest to what it is.
  area.objectAttributes = kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin |
                          TPMA_OBJECT_USERWITHAUTH | kTpmRestricted | kTpmSign;
  TPMS_ECC_PARMS& parameters = area.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_ECDSA;
  parameters.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  return made;
}

}  // namespace

Result<> check_tpm(TSS2_RC code, std::string_view doing) {
  if (code == TSS2_RC_SUCCESS) return {};
  return fail(kind_of(code), "can't {}: {} ({:#x})", doing, Tss2_RC_Decode(code), code);
}

void TpmSession::FreeTcti::operator()(TSS2_TCTI_CONTEXT* tcti) const {
  Tss2_TctiLdr_Finalize(&tcti);
}

void TpmSession::FreeEsys::operator()(ESYS_CONTEXT* esys) const {
  Esys_Finalize(&esys);
}

Result<TpmSession> TpmSession::open(const std::string& tcti) {
  static std::once_flag quiet;
  std::call_once(quiet, [] { ::setenv("TSS2_LOG", "all+none", 0); });
  TpmSession session;
  const std::string doing = fmt::format("reach a TPM at '{}'", printable(tcti, 200));
  TSS2_TCTI_CONTEXT* connection = nullptr;
  TRY_OK(check_tpm(Tss2_TctiLdr_Initialize(tcti.c_str(), &connection), doing));
  session.tcti_.reset(connection);
  ESYS_CONTEXT* esys = nullptr;
  TRY_OK(check_tpm(Esys_Initialize(&esys, connection, nullptr), doing));
  session.esys_.reset(esys);
  return session;
}

Result<TpmKey> TpmKey::attestation(const TpmSession& session) {
  const TPM2B_SENSITIVE_CREATE no_password{};
  const TPM2B_PUBLIC wanted = attestation_template();
  const TPM2B_DATA nothing_outside{};
  const TPML_PCR_SELECTION no_registers{};
  ESYS_TR handle = ESYS_TR_NONE;
  TpmOut<TPM2B_PUBLIC> made;
  TRY_OK(check_tpm(
      Esys_CreatePrimary(session.get(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                         ESYS_TR_NONE, &no_password, &wanted, &nothing_outside, &no_registers,
                         &handle, made.out(), nullptr, nullptr, nullptr),
      "make the attestation key in the endorsement hierarchy"));
  TpmKey key(session, handle, true);
  TRY_OK(key.keep_public_area(*made));
  return key;
}

Result<TpmKey> TpmKey::persistent(const TpmSession& session, uint32_t handle) {
  ESYS_TR found = ESYS_TR_NONE;
  TRY_OK(check_tpm(Esys_TR_FromTPMPublic(session.get(), handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, &found),
                   fmt::format("use the key at {:#x}", handle)));
  TpmKey key(session, found, false);
  TpmOut<TPM2B_PUBLIC> area;
  TRY_OK(check_tpm(Esys_ReadPublic(session.get(), found, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                   area.out(), nullptr, nullptr),
                   fmt::format("read the key at {:#x}", handle)));
  TRY_OK(key.keep_public_area(*area));
  return key;
}

TpmKey::~TpmKey() {
  // What lies in the TPM stays there.
  if (transient_ && key_ != ESYS_TR_NONE) Esys_FlushContext(esys_, key_);
}

TpmKey::TpmKey(TpmKey&& other) noexcept
    : esys_(other.esys_),
      key_(std::exchange(other.key_, ESYS_TR_NONE)),
      transient_(other.transient_),
      public_area_(std::move(other.public_area_)) {}

Result<> TpmKey::keep_public_area(const TPM2B_PUBLIC& area) {
  std::vector<std::byte> bytes(sizeof(TPM2B_PUBLIC));
  size_t size = 0;
  TRY_OK(check_tpm(Tss2_MU_TPM2B_PUBLIC_Marshal(&area, reinterpret_cast<uint8_t*>(bytes.data()),
                                                bytes.size(), &size),
                   "write down a public key"));
  bytes.resize(size);
  public_area_ = std::move(bytes);
  return {};
}

}  // namespace cloister::attest
