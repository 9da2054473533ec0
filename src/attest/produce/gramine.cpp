#include "attest/produce/gramine.h"

#include <cerrno>
#include <mutex>

#include "attest/produce/attested_evidence.h"
#include "attest/produce/system_file.h"

namespace cloister::attest {
namespace {

std::string_view explain_quote(int code) {
  return code == EACCES ? "the host's quoting enclave or its certificate cache does not answer"
                        : "";
}

class Gramine : public Attester {
 public:
  explicit Gramine(fs::path folder) : folder_(std::move(folder)) {}

  EvidenceKind kind() const override { return EvidenceKind::kSgx; }
  std::string source() const override { return "Gramine (dcap)"; }

  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    // The files are one place for the whole enclave, and Gramine guards them not.
    const std::lock_guard lock(mutex_);
    TRY_OK(write_system_file(folder_ / "user_report_data", report_data.view()));
    TRY(quote, read_system_file(folder_ / "quote", kMaxEvidenceBytes, explain_quote));
    return sgx_shown(std::move(quote), report_data);
  }

 private:
  const fs::path folder_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Attester>> make_gramine(const fs::path& folder) {
  const fs::path path = folder / "attestation_type";
  TRY(type, read_system_text(path));
  if (type == "none") {
    return fail(Kind::kNotFound,
                "'{}' is none: set sgx.remote_attestation = \"dcap\" in the manifest",
                printable(path.string(), 400));
  }
  if (type != "dcap") {
    return fail(Kind::kUnsupported, "'{}' is '{}', want dcap", printable(path.string(), 400),
                printable(type, 40));
  }
  return std::make_unique<Gramine>(folder);
}

}  // namespace cloister::attest
