// One verification of a DCAP quote, step by step: of dcap.cpp, and of no one else.
#pragma once

#include "attest/chain.h"
#include "attest/dcap/dcap.h"
#include "attest/dcap/pck.h"
#include "attest/dcap/tcb_info.h"
#include "attest/dcap/tcb_status.h"

namespace cloister::attest {

// Everything that one verification reads, step by step.
class DcapVerifier {
 public:
  DcapVerifier(Context& context, const DcapQuestion& question)
      : context_(context), checks_(context.checks), question_(question) {}

  std::optional<DcapQuote> run() {
    if (!read_quote()) return std::nullopt;
    read_root();
    judge_pck();
    judge_collateral();
    judge_quoting_enclave();
    judge_platform();
    return quote_;
  }

 private:
  bool read_quote();
  void read_root();
  void judge_pck();
  void judge_collateral();
  void judge_quoting_enclave();
  void judge_platform();
  void judge_module();
  void judge_status();

  Result<> check_pck_chain();
  Result<> check_revocation();
  Result<Crl> crl(std::string_view name);
  // Reads a signed JSON object and checks who signed it.
  Result<std::string_view> signed_object(std::string_view blob, std::string_view chain,
                                         std::string_view key);
  void judge_date(std::string_view id, Time issued, Time next_update);
  X509* pck() const { return pck_chain_.empty() ? nullptr : pck_chain_[0].get(); }

  Context& context_;
  Checks& checks_;
  const DcapQuestion& question_;
  std::optional<DcapQuote> quote_;
  Certificate root_;
  std::vector<Certificate> pck_chain_;
  std::optional<PckExtension> extension_;
  std::optional<TcbInfo> tcb_info_;
  std::optional<QeIdentity> qe_identity_;
  std::optional<IsvLevel> qe_level_;
  // Of a TD: the module it was launched under; and, of TD reports 1.5, the last one loaded.
  const ModuleIdentity* module_ = nullptr;
  const ModuleIdentity* second_module_ = nullptr;
  std::optional<TdReport> second_td_;  // by that one's TEE_TCB_SVN
};

}  // namespace cloister::attest
