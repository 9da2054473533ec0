#include "app/cloisterd/evidence_options.h"

namespace cloister {

void EvidenceFlags::add_to(CLI::App& command, serving::ServerConfig& config) {
  command
      .add_option("--evidence", config.evidence,
                  "which trusted environment vouches for this server: tsm (SEV-SNP, TDX), gramine "
                  "(SGX), sev-guest, azure, tpm (measured boot only), simulated (nobody); auto: "
                  "the first of tsm, gramine, sev-guest that is there, otherwise simulated")
      ->type_name("SOURCE")
      ->capture_default_str();
  command
      .add_option("--tpm", config.tpm,
                  "with --evidence tpm or azure: the TPM, as tpm2-tss names it; by default "
                  "device:/dev/tpmrm0")
      ->type_name("TCTI");
  command
      .add_option("--endorsements", endorsements,
                  "folder of what clients check evidence with and the environment does not hand "
                  "over itself: vek.der, intermediate.der, amd_crl.der; tcb_info.json, ... "
                  "(docs/serving.md); read anew each time")
      ->type_name("DIR");
  command
      .add_option("--evidence-rate", config.evidence_per_s,
                  "how often a second evidence is made, whoever asks")
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
