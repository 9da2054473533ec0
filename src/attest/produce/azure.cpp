#include "attest/produce/azure.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "attest/azure/hcl.h"
#include "attest/produce/tpm_nv.h"
#include "attest/produce/tpm_registers.h"
#include "attest/tpm/quote.h"
#include "base/sha256.h"

namespace cloister::attest {
namespace {

// Where the paravisor keeps things in its vTPM.
constexpr uint32_t kReportIndex = 0x01400001;
constexpr uint32_t kUserDataIndex = 0x01400002;
constexpr uint32_t kAttestationKey = 0x81000003;

constexpr size_t kMaxReport = 16 << 10;

Result<bool> has_user_data(Bytes report, const Fixed<64>& user_data) {
  TRY(parsed, parse_hcl_report(report));
  TRY(data, parse_hcl_runtime_data(parsed.runtime_data));
  return data.user_data == user_data;
}

class Azure : public Attester {
 public:
  Azure(std::string tcti, const AzureWait& wait) : tcti_(std::move(tcti)), wait_(wait) {}

  EvidenceKind kind() const override { return EvidenceKind::kAzureSnp; }
  std::string source() const override { return fmt::format("Azure's vTPM at {}", tcti_); }

  Result<> look() const {
    TRY(session, TpmSession::open(tcti_));
    TRY(report, read_nv(session, kReportIndex, kMaxReport));
    TRY(parsed, parse_hcl_report(report));
    if (parsed.type == HclType::kSnp) return {};
    return fail(Kind::kUnsupported,
                "the paravisor runs on TDX, whose quotes only a service of Azure provides: only "
                "SEV-SNP is supported here");
  }

  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    const std::lock_guard lock(mutex_);
    const Digest binder = sha256(report_data.view());
    TRY(session, TpmSession::open(tcti_));
    TRY(report, fresh_report(session, binder));
    TRY(key, TpmKey::persistent(session, kAttestationKey));
    TPMT_SIG_SCHEME scheme{.scheme = TPM2_ALG_RSASSA};
    scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    TRY(quoted, quote_registers(session, key, scheme, binder));
    const auto signature = parse_tpm_signature(quoted.signature);
    if (!signature) return with_context(signature.error(), "signature");
    return AttestedEvidence{
        {.kind = EvidenceKind::kAzureSnp,
         .report = std::move(report),
         .parts = {{std::string(kTpmQuote), std::move(quoted.quote)},
                   {std::string(kTpmSignature), {signature->rsa.begin(), signature->rsa.end()}},
                   {std::string(kTpmPcrs), std::move(quoted.values)}}},
        {}};
  }

 private:
  // The paravisor's report once it was made for `binder`, or as it is where that does not come
  // about: paravisors differ, and whether an older report will do is for the client's policy to
  // say.
  Result<std::vector<std::byte>> fresh_report(const TpmSession& session,
                                              const Digest& binder) const {
    Fixed<64> user_data;
    std::ranges::copy(binder, user_data.bytes.begin());
    const auto written = write_nv(session, kUserDataIndex, user_data.view());
    if (!written && written.error().kind == Kind::kUnavailable) {
      return std::unexpected(written.error());
    }
    const auto end = std::chrono::steady_clock::now() + wait_.limit;
    while (true) {
      TRY(report, read_nv(session, kReportIndex, kMaxReport));
      const auto fresh = has_user_data(report, user_data);
      if (!fresh) return with_context(fresh.error(), "the paravisor's report");
      if (*fresh || !written || std::chrono::steady_clock::now() >= end) return std::move(report);
      std::this_thread::sleep_for(wait_.between);
    }
  }

  const std::string tcti_;
  const AzureWait wait_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Attester>> make_azure(const std::string& tcti, const AzureWait& wait) {
  auto azure = std::make_unique<Azure>(tcti, wait);
  TRY_OK(azure->look());
  return azure;
}

}  // namespace cloister::attest
