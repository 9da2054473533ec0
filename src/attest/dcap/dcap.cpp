#include <fmt/ranges.h>
#include <openssl/obj_mac.h>

#include "attest/dcap/verifier.h"
#include "attest/signature.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kDcapChecks[] = {
    "dcap.quote",           "dcap.pck_chain",        "dcap.revocation",
    "dcap.pck_extension",   "dcap.tcb_info",         "dcap.tcb_info_date",
    "dcap.qe_identity",     "dcap.qe_identity_date", "dcap.evaluation",
    "dcap.qe_signature",    "dcap.qe_binding",       "dcap.qe_enclave",
    "dcap.quote_signature", "dcap.platform",         "dcap.module",
    "dcap.tcb_status",      "dcap.ppid_pin",         "dcap.platform_instance_pin"};

constexpr std::string_view kRootName = "Intel SGX Root CA";
constexpr std::string_view kPckName = "Intel SGX PCK Certificate";
constexpr std::string_view kSigningName = "Intel SGX TCB Signing";
constexpr std::string_view kPlatformCa = "Intel SGX PCK Platform CA";
constexpr std::string_view kProcessorCa = "Intel SGX PCK Processor CA";

Result<> check_p256(const Fixed<32>& r, const Fixed<32>& s, X509* signer, Bytes signed_bytes) {
  return check_ecdsa(X509_get0_pubkey(signer), NID_X9_62_prime256v1, Hash::kSha256, signed_bytes,
                     r.view(), s.view());
}

Result<> check_p256(EVP_PKEY* key, Bytes signature, Bytes signed_bytes) {
  return check_ecdsa(key, NID_X9_62_prime256v1, Hash::kSha256, signed_bytes, signature.first(32),
                     signature.last(32));
}

Result<> must_be_named(const X509* certificate, std::initializer_list<std::string_view> names) {
  const std::string name = common_name(certificate);
  if (std::ranges::find(names, name) != names.end()) return {};
  return invalid("certificate of '{}', want '{}'", name, fmt::join(names, "' or '"));
}

}  // namespace

bool DcapVerifier::read_quote() {
  auto quote = parse_dcap_quote(question_.quote);
  Result<> formed = outcome_of(quote);
  if (quote && quote->td.has_value() != question_.tdx) {
    formed = invalid("a quote of {}", quote->td ? "TDX" : "SGX");
  }
  const bool good =
      checks_.judge("dcap.quote", formed, quote ? fmt::format("version {}", quote->version) : "",
                    fmt::format("a quote of {}, version 3 to 5, with its PCK chain",
                                question_.tdx ? "TDX" : "SGX"));
  if (!good) {
    checks_.block_rest("dcap.quote");
    return false;
  }
  context_.claims.dcap.emplace().quote_version = quote->version;
  quote_ = *quote;
  return true;
}

void DcapVerifier::read_root() {
  auto root = parse_certificate(as_bytes(context_.roots.intel));
  if (root && must_be_named(root->get(), {kRootName})) root_ = std::move(*root);
}

Result<> DcapVerifier::check_pck_chain() {
  auto chain = parse_chain(quote_->pck_chain);
  if (!chain) return std::unexpected(chain.error());
  if (chain->size() < 2 || chain->size() > 3) {
    return invalid("{} certificates, want leaf, CA and root", chain->size());
  }
  pck_chain_ = std::move(*chain);
  if (!root_) return invalid("no pinned root named '{}'", kRootName);
  if (pck_chain_.size() == 3 && !same_certificate(pck_chain_[2].get(), root_.get())) {
    return invalid("the chain ends at another root, '{}'", common_name(pck_chain_[2].get()));
  }
  TRY_OK(must_be_named(pck(), {kPckName}));
  TRY_OK(must_be_named(pck_chain_[1].get(), {kPlatformCa, kProcessorCa}));
  return check_chain({pck(), {pck_chain_[1].get()}, root_.get(), {}, context_.now});
}

Result<Crl> DcapVerifier::crl(std::string_view name) {
  TRY(bytes, find_blob(context_.endorsements.blobs, name));
  auto list = parse_crl(bytes);
  if (!list) return with_context(list.error(), std::string(name));
  return std::move(*list);
}

Result<> DcapVerifier::check_revocation() {
  TRY(root_crl, crl(kRootCrl));
  TRY(pck_crl, crl(kPckCrl));
  X509* const ca = pck_chain_[1].get();
  TRY_OK(about(check_crl(root_crl.get(), root_.get(), ca, context_.now), kRootCrl));
  TRY_OK(about(check_crl(pck_crl.get(), ca, pck(), context_.now), kPckCrl));
  return check_chain({pck(), {ca}, root_.get(), {root_crl.get(), pck_crl.get()}, context_.now});
}

// 1. The platform's certificate leads to Intel's root, and is not revoked.
void DcapVerifier::judge_pck() {
  const Result<> chained = check_pck_chain();
  checks_.judge(
      "dcap.pck_chain", chained,
      pck() == nullptr
          ? ""
          : fmt::format("{}, {}, {}", common_name(pck()), issuer_name(pck()), kRootName),
      fmt::format("certificates to Intel's pinned root, valid at {}", time_text(context_.now)));
  if (checks_.needs("dcap.revocation", {"dcap.pck_chain"})) {
    checks_.judge("dcap.revocation", check_revocation(), "not revoked",
                  "revocation lists of the root and of the PCK CA, valid now");
  }
  if (pck() == nullptr) {
    checks_.needs("dcap.pck_extension", {"dcap.pck_chain"});
    return;
  }
  auto extension = pck_extension(pck());
  checks_.judge("dcap.pck_extension", outcome_of(extension),
                extension ? fmt::format("FMSPC {}, PCESVN {}", to_string(extension->fmspc),
                                        extension->pce_svn)
                          : "",
                "the platform and its TCB, well-formed");
  if (!extension) return;
  DcapClaims& claims = *context_.claims.dcap;
  claims.fmspc = extension->fmspc;
  claims.pce_id = extension->pce_id;
  claims.pce_svn = extension->pce_svn;
  claims.cpu_svns = extension->svns;
  claims.ppid = extension->ppid;
  claims.platform_instance = extension->platform_instance;
  claims.sgx_type = extension->sgx_type;
  extension_ = *extension;
}

Result<std::string_view> DcapVerifier::signed_object(std::string_view blob,
                                                     std::string_view chain_blob,
                                                     std::string_view key) {
  TRY(text, find_blob(context_.endorsements.blobs, blob));
  TRY(pem, find_blob(context_.endorsements.blobs, chain_blob));
  TRY(parsed, parse_signed_json(text, key));
  TRY(chain, parse_chain(as_text(pem)));
  if (!root_) return invalid("no pinned root named '{}'", kRootName);
  if (chain.size() > 2) return invalid("{} certificates, want signer and root", chain.size());
  if (chain.size() == 2 && !same_certificate(chain[1].get(), root_.get())) {
    return invalid("its chain ends at another root, '{}'", common_name(chain[1].get()));
  }
  X509* const signer = chain[0].get();
  TRY_OK(must_be_named(signer, {kSigningName}));
  TRY_OK(about(check_chain({signer, {}, root_.get(), {}, context_.now}), chain_blob));
  TRY_OK(check_p256(parsed.r, parsed.s, signer, as_bytes(parsed.object)));
  // Last, so that what else is wrong is named where there is no list.
  TRY(root_crl, crl(kRootCrl));
  TRY_OK(about(check_crl(root_crl.get(), root_.get(), signer, context_.now), kRootCrl));
  return parsed.object;
}

void DcapVerifier::judge_date(std::string_view id, Time issued, Time next_update) {
  checks_.judge(id, issued <= context_.now && context_.now <= next_update,
                fmt::format("{} to {}", time_text(issued), time_text(next_update)),
                fmt::format("in force at {}", time_text(context_.now)));
}

// 2. Intel's word on TCBs: who signed it, for which time. It is read even where the signature is
// bad, so that the other checks can be judged.
void DcapVerifier::judge_collateral() {
  const auto read = [&](std::string_view id, std::string_view date_id, std::string_view blob,
                        std::string_view chain_blob, std::string_view key, const auto& parse,
                        auto& out) {
    const Result<> is_signed = outcome_of(signed_object(blob, chain_blob, key));
    const auto text = find_blob(context_.endorsements.blobs, blob);
    Result<> parsed = outcome_of(text);
    if (text) {
      const auto object = parse_signed_json(*text, key);
      parsed = outcome_of(object);
      if (object) {
        auto value = parse(object->object, question_.tdx);
        parsed = outcome_of(value);
        if (value) out = std::move(*value);
      }
    }
    checks_.judge(id, parsed ? is_signed : parsed, "signed by Intel",
                  "Intel's, of this TEE, with its signer's chain and the root's revocation list");
    if (out) {
      judge_date(date_id, out->issued, out->next_update);
    } else {
      checks_.needs(date_id, {id});
    }
  };
  read("dcap.tcb_info", "dcap.tcb_info_date", kTcbInfo, kTcbInfoChain, "tcbInfo", parse_tcb_info,
       tcb_info_);
  read("dcap.qe_identity", "dcap.qe_identity_date", kQeIdentity, kQeIdentityChain,
       "enclaveIdentity", parse_qe_identity, qe_identity_);

  if (!tcb_info_ || !qe_identity_) {
    checks_.needs("dcap.evaluation", {"dcap.tcb_info", "dcap.qe_identity"});
    return;
  }
  const uint64_t number = std::min(tcb_info_->evaluation_number, qe_identity_->evaluation_number);
  context_.claims.dcap->tcb_evaluation_data_number = number;
  const uint64_t least = question_.policy.min_tcb_evaluation_data_number;
  checks_.judge("dcap.evaluation", number >= least, fmt::format("{}", number),
                fmt::format("at least {}", least),
                question_.field + ".min_tcb_evaluation_data_number");
}

// 3 to 6. PCK -> quoting enclave -> attestation key -> quote.
void DcapVerifier::judge_quoting_enclave() {
  const DcapQuote& quote = *quote_;
  // 3. The QE report is signed by the platform.
  if (pck() == nullptr) {
    checks_.needs("dcap.qe_signature", {"dcap.pck_chain"});
  } else {
    checks_.judge("dcap.qe_signature",
                  check_p256(X509_get0_pubkey(pck()), quote.qe_signature, quote.qe_report_bytes),
                  "good", "ECDSA P-256 by the PCK certificate's key");
  }
  // 4. It vouches for the attestation key.
  Sha256 hash;
  hash.update(quote.attestation_key);
  hash.update(quote.qe_auth_data);
  Fixed<64> bound;
  std::ranges::copy(hash.finish(), bound.bytes.begin());
  checks_.judge("dcap.qe_binding", same_bytes(bound.view(), quote.qe_report.report_data.view()),
                to_string(quote.qe_report.report_data), to_string(bound));
  // 5. It is Intel's quoting enclave.
  if (!qe_identity_) {
    checks_.needs("dcap.qe_enclave", {"dcap.qe_identity"});
  } else {
    const QeIdentity& want = *qe_identity_;
    const SgxReport& qe = quote.qe_report;
    const auto masked = [](const Fixed<16>& value, const Fixed<16>& mask) {
      Fixed<16> out;
      for (size_t i = 0; i < 16; ++i) out.bytes[i] = value.bytes[i] & mask.bytes[i];
      return out;
    };
    const bool same = (qe.misc_select & want.misc_select_mask) == want.misc_select &&
                      masked(qe.attributes, want.attributes_mask) == want.attributes &&
                      qe.mr_signer == want.mr_signer && qe.isv_prod_id == want.isv_prod_id;
    checks_.judge("dcap.qe_enclave", same,
                  fmt::format("MRSIGNER {}, product {}, attributes {}, MISCSELECT {:#x}",
                              to_string(qe.mr_signer), qe.isv_prod_id, to_string(qe.attributes),
                              qe.misc_select),
                  fmt::format("MRSIGNER {}, product {}, attributes {}, MISCSELECT {:#x}, masked",
                              to_string(want.mr_signer), want.isv_prod_id,
                              to_string(want.attributes), want.misc_select));
    if (const IsvLevel* const level = reached_level(want.levels, qe.isv_svn)) qe_level_ = *level;
    context_.claims.dcap->qe_status = qe_level_ ? qe_level_->status : TcbStatus::kNotSupported;
  }
  // 6. The quote is signed with the attestation key.
  const auto key = ec_public_key(NID_X9_62_prime256v1, quote.attestation_key.first(32),
                                 quote.attestation_key.last(32));
  checks_.judge("dcap.quote_signature",
                key ? check_p256(key->get(), quote.signature, quote.signed_bytes) : outcome_of(key),
                "good", "ECDSA P-256 by the attestation key");
}

std::span<const std::string_view> dcap_checks() {
  return kDcapChecks;
}

std::optional<DcapQuote> verify_dcap(Context& context, const DcapQuestion& question) {
  return DcapVerifier(context, question).run();
}

}  // namespace cloister::attest
