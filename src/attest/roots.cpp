#include "attest/roots.h"

#include "attest/root_assets.h"

namespace cloister::attest {

const Roots& vendor_roots() {
  static const Roots kRoots = {{{SnpProduct::kMilan, std::string(asset_amd_ark_milan())},
                                {SnpProduct::kGenoa, std::string(asset_amd_ark_genoa())},
                                {SnpProduct::kTurin, std::string(asset_amd_ark_turin())}},
                               std::string(asset_intel_sgx_root())};
  return kRoots;
}

}  // namespace cloister::attest
