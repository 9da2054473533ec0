#include "app/cloisterd/evidence_options.h"

namespace cloister {

void EvidenceFlags::add_to(CLI::App& command, serving::ServerConfig& config) {
  command
      .add_option("--evidence", config.evidence,
                  "the environment that vouches for this server: tsm (SEV-SNP, TDX), gramine "
                  "(SGX), sev-guest, azure, tpm (measured boot only), simulated (none); auto: "
                  "the first of tsm, gramine, sev-guest that is present, otherwise simulated")
      ->type_name("SOURCE")
      ->capture_default_str();
  command
      .add_option("--tpm", config.tpm,
                  "with --evidence tpm or azure: the TPM, as tpm2-tss names it; by default "
                  "device:/dev/tpmrm0")
      ->type_name("TCTI");
  command
      .add_option(
          "--endorsements", endorsements,
          "folder of certificates and collateral that clients need and the environment does not "
          "supply: vek.der, intermediate.der, amd_crl.der; tcb_info.json, ... "
          "(docs/serving.md); read for each piece of evidence")
      ->type_name("DIR");
  command
      .add_option("--evidence-rate", config.evidence_per_s,
                  "pieces of evidence per second at most, over all clients")
      ->type_name("N")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
}

Result<std::shared_ptr<attest::Attester>> EvidenceFlags::find(
    const serving::ServerConfig& config) const {
  attest::AttesterOptions options{.endorsements = endorsements};
  TRY_OK(attest::from_string(config.evidence, options.source));
  if (!config.tpm.empty()) options.tpm = config.tpm;
  TRY(producer, attest::find_attester(options));
  return std::shared_ptr<attest::Attester>(std::move(producer));
}

}  // namespace cloister
