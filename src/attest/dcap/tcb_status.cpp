#include "attest/dcap/tcb_status.h"

#include <algorithm>

namespace cloister::attest {
namespace {

uint8_t svn_at(const Fixed<16>& svns, size_t i) {
  return static_cast<uint8_t>(svns.bytes[i]);
}

bool reaches(const TcbLevel& level, const PckExtension& pck, const TdReport* td) {
  for (size_t i = 0; i < level.sgx_svns.size(); ++i) {
    if (pck.svns[i] < level.sgx_svns[i]) return false;
  }
  if (pck.pce_svn < level.pce_svn) return false;
  if (td == nullptr) return true;
  // The first two are those of the TDX module, which has levels of its own from version 1 on.
  const size_t first = svn_at(td->tee_tcb_svn, 1) == 0 ? 0 : 2;
  for (size_t i = first; i < level.tdx_svns.size(); ++i) {
    if (svn_at(td->tee_tcb_svn, i) < level.tdx_svns[i]) return false;
  }
  return true;
}

}  // namespace

const TcbLevel* reached_level(const TcbInfo& info, const PckExtension& pck, const TdReport* td) {
  const auto level = std::ranges::find_if(
      info.levels, [&](const TcbLevel& candidate) { return reaches(candidate, pck, td); });
  return level == info.levels.end() ? nullptr : &*level;
}

const IsvLevel* reached_level(const std::vector<IsvLevel>& levels, uint16_t isv_svn) {
  const auto level = std::ranges::find_if(
      levels, [&](const IsvLevel& candidate) { return isv_svn >= candidate.isv_svn; });
  return level == levels.end() ? nullptr : &*level;
}

Result<const ModuleIdentity*> module_identity(const TcbInfo& info, const TdReport& td) {
  const uint8_t version = svn_at(td.tee_tcb_svn, 1);
  const std::string id = version == 0 ? "" : fmt::format("TDX_{:02X}", version);
  const auto found = std::ranges::find(info.modules, id, &ModuleIdentity::id);
  if (found == info.modules.end()) {
    return invalid("module version {}: the TCB info has no '{}'", version, id);
  }
  if (found->mr_signer != td.mr_signer_seam) {
    return invalid("MRSIGNERSEAM {}, want {}", to_string(td.mr_signer_seam),
                   to_string(found->mr_signer));
  }
  if (found->attributes != td.seam_attributes) {
    return invalid("SEAMATTRIBUTES {:#x}, want {:#x}", td.seam_attributes, found->attributes);
  }
  return &*found;
}

PlatformTcb platform_tcb(const TcbInfo& info, const PckExtension& pck, const TdReport* td,
                         const ModuleIdentity* module) {
  PlatformTcb out;
  if (const TcbLevel* const level = reached_level(info, pck, td)) {
    out = {level->status, {}, level->date, level->advisories};
  }
  if (td == nullptr || module == nullptr || module->id.empty()) return out;
  const IsvLevel* const level = reached_level(module->levels, module_svn(*td));
  out.module = level == nullptr ? TcbStatus::kNotSupported : level->status;
  if (level != nullptr) std::ranges::copy(level->advisories, std::back_inserter(out.advisories));
  return out;
}

PlatformTcb worse(PlatformTcb a, const PlatformTcb& b) {
  if (b.platform > a.platform) {  // the words are in order
    a.platform = b.platform;
    a.date = b.date;
  }
  a.module = std::max(a.module, b.module);
  std::ranges::copy(b.advisories, std::back_inserter(a.advisories));
  return a;
}

std::optional<TdReport> by_second_svn(const TdReport& td) {
  if (!td.tee_tcb_svn2) return std::nullopt;
  TdReport out = td;
  out.tee_tcb_svn = *td.tee_tcb_svn2;
  return out;
}

TcbStatus converge(TcbStatus platform, TcbStatus part) {
  using enum TcbStatus;
  if (platform == kNotSupported || part == kNotSupported) return kNotSupported;
  if (platform == kRevoked || part == kRevoked) return kRevoked;
  if (part == kUpToDate) return platform;
  switch (platform) {
    case kUpToDate:
    case kSwHardeningNeeded:
    case kOutOfDate:
      return kOutOfDate;
    default:
      return kOutOfDateConfigurationNeeded;
  }
}

}  // namespace cloister::attest
