#include "attest/produce/tpm.h"

#include <mutex>

#include "attest/produce/tpm_registers.h"
#include "attest/tpm/quote.h"
#include "base/sha256.h"

namespace cloister::attest {
namespace {

class Tpm : public Attester {
 public:
  explicit Tpm(std::string tcti) : tcti_(std::move(tcti)) {}

  EvidenceKind kind() const override { return EvidenceKind::kTpm; }
  std::string source() const override {
    return fmt::format("TPM at {}, key {}", tcti_, to_string(key_name_));
  }

  Result<> find_key() {
    TRY(session, TpmSession::open(tcti_));
    TRY(key, TpmKey::attestation(session));
    TRY(parsed, parse_tpm_public(key.public_area()));
    key_name_ = parsed.name;
    return {};
  }

  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    const std::lock_guard lock(mutex_);
    TRY(session, TpmSession::open(tcti_));
    TRY(key, TpmKey::attestation(session));
    const TPMT_SIG_SCHEME as_the_key_says{.scheme = TPM2_ALG_NULL};
    TRY(quoted, quote_registers(session, key, as_the_key_says, sha256(report_data.view())));
    const Bytes area = key.public_area();
    return AttestedEvidence{{.kind = EvidenceKind::kTpm,
                             .report = std::move(quoted.quote),
                             .parts = {{std::string(kTpmSignature), std::move(quoted.signature)},
                                       {std::string(kTpmPublic), {area.begin(), area.end()}},
                                       {std::string(kTpmPcrs), std::move(quoted.values)}}},
                            {}};
  }

 private:
  const std::string tcti_;
  Fixed<34> key_name_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Attester>> make_tpm(const std::string& tcti) {
  auto tpm = std::make_unique<Tpm>(tcti);
  TRY_OK(tpm->find_key());
  return tpm;
}

}  // namespace cloister::attest
