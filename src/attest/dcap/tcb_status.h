// Which level of Intel's TCB info a platform reaches, and what that makes of its parts together.
#pragma once

#include "attest/dcap/pck.h"
#include "attest/dcap/quote.h"
#include "attest/dcap/tcb_info.h"

namespace cloister::attest {

// The best level that the platform reaches; nothing: it is not supported. `td` of TDX, else null.
const TcbLevel* reached_level(const TcbInfo& info, const PckExtension& pck, const TdReport* td);

// The best level that an ISVSVN reaches, likewise.
const IsvLevel* reached_level(const std::vector<IsvLevel>& levels, uint16_t isv_svn);

// The TDX module that the TD runs under: MRSIGNERSEAM and SEAMATTRIBUTES are those of the identity
// for its version (TEE_TCB_SVN[1]). kInvalid naming what differs.
Result<const ModuleIdentity*> module_identity(const TcbInfo& info, const TdReport& td);
inline uint8_t module_svn(const TdReport& td) {
  return static_cast<uint8_t>(td.tee_tcb_svn.bytes[0]);
}

// What a platform reaches: a level of the TCB info, and one of its TDX module, if that has levels.
struct PlatformTcb {
  TcbStatus platform = TcbStatus::kNotSupported;
  std::optional<TcbStatus> module;
  std::string date;                     // of the platform's level
  std::vector<std::string> advisories;  // of both
};
PlatformTcb platform_tcb(const TcbInfo& info, const PckExtension& pck, const TdReport* td,
                         const ModuleIdentity* module);

// The worse status of each part; the advisories of both.
PlatformTcb worse(PlatformTcb a, const PlatformTcb& b);

// A TD report 1.5 by its TEE_TCB_SVN2, as if it were the first; nothing of others.
std::optional<TdReport> by_second_svn(const TdReport& td);

// The platform's status under that of its quoting enclave or TDX module: what is out of date or
// revoked in one part is so in the whole.
TcbStatus converge(TcbStatus platform, TcbStatus part);

}  // namespace cloister::attest
