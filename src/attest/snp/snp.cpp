#include "attest/snp/snp.h"

#include <openssl/obj_mac.h>

#include "attest/signature.h"
#include "attest/snp/certificate.h"
#include "attest/snp/guest_policy.h"
#include "attest/snp/report.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kSnpChecks[] = {"snp.report",
                                           "snp.version",
                                           "snp.certificates",
                                           "snp.chain",
                                           "snp.revocation",
                                           "snp.signature",
                                           "snp.signer",
                                           "snp.csp",
                                           "snp.product",
                                           "snp.certified_tcb",
                                           "snp.chip",
                                           "snp.report_data",
                                           "snp.guest_policy",
                                           "snp.debug",
                                           "snp.migration_agent",
                                           "snp.vmpl",
                                           "snp.measurement",
                                           "snp.guest_svn",
                                           "snp.min_tcb",
                                           "snp.tcb_order",
                                           "snp.platform_info",
                                           "snp.mitigations",
                                           "snp.host_data",
                                           "snp.id_key_digest",
                                           "snp.author_key_digest",
                                           "snp.chip_pin"};

struct Chain {
  Certificate vek;
  Certificate intermediate;
  VekExtensions extensions;
  bool is_vlek = false;
};

Result<Chain> read_chain(const Endorsements& endorsements) {
  TRY(vek_bytes, find_blob(endorsements.blobs, kVek));
  TRY(intermediate_bytes, find_blob(endorsements.blobs, kIntermediate));
  Chain chain;
  auto vek = parse_certificate(vek_bytes);
  if (!vek) return with_context(vek.error(), std::string(kVek));
  chain.vek = std::move(*vek);
  auto intermediate = parse_certificate(intermediate_bytes);
  if (!intermediate) return with_context(intermediate.error(), std::string(kIntermediate));
  chain.intermediate = std::move(*intermediate);
  const std::string name = common_name(chain.vek.get());
  chain.is_vlek = name == "SEV-VLEK";
  if (!chain.is_vlek && name != "SEV-VCEK") {
    return invalid("{}: of '{}', want SEV-VCEK or SEV-VLEK", kVek, name);
  }
  auto extensions = vek_extensions(chain.vek.get());
  if (!extensions) return with_context(extensions.error(), std::string(kVek));
  chain.extensions = std::move(*extensions);
  return chain;
}

// "SEV-Milan", "SEV-VLEK-Milan"
std::string intermediate_name(SnpProduct product, bool is_vlek) {
  const std::string_view name = product == SnpProduct::kMilan   ? "Milan"
                                : product == SnpProduct::kGenoa ? "Genoa"
                                                                : "Turin";
  return fmt::format("SEV-{}{}", is_vlek ? "VLEK-" : "", name);
}

// The root that the intermediate names, among those pinned.
Result<std::pair<SnpProduct, Certificate>> find_root(const Roots& roots, const Chain& chain) {
  for (const AmdRoot& root : roots.amd) {
    TRY(certificate, parse_certificate(as_bytes(root.certificate)));
    if (X509_NAME_cmp(X509_get_subject_name(certificate.get()),
                      X509_get_issuer_name(chain.intermediate.get())) == 0) {
      return std::pair(root.product, std::move(certificate));
    }
  }
  return invalid("the issuer '{}' of '{}' is no pinned root", issuer_name(chain.intermediate.get()),
                 common_name(chain.intermediate.get()));
}

// 3. VCEK or VLEK, ASK or ASVK, pinned ARK: signatures, times, and the right names.
Result<> check_vek_chain(const Chain& chain, SnpProduct product, X509* ark, Time now) {
  TRY_OK(check_chain({chain.vek.get(), {chain.intermediate.get()}, ark, {}, now}));
  const std::string name = common_name(chain.intermediate.get());
  const std::string want = intermediate_name(product, chain.is_vlek);
  if (name != want) return invalid("intermediate '{}', want '{}'", name, want);
  return {};
}

// 4. The root's list of revoked intermediates.
void judge_revocation(Context& context, const SnpQuestion& question, const Chain& chain,
                      X509* ark) {
  const std::string field = question.field + ".accept_without_crl";
  const auto bytes = find_blob(context.endorsements.blobs, kAmdCrl);
  if (!bytes && question.policy.accept_without_crl) {
    return context.checks.not_applicable(
        "snp.revocation", fmt::format("none was given, and the policy accepts that ({})", field));
  }
  const auto check = [&]() -> Result<> {
    if (!bytes) return std::unexpected(bytes.error());
    TRY(crl, parse_crl(*bytes));
    return check_crl(crl.get(), ark, chain.intermediate.get(), context.now);
  };
  context.checks.judge("snp.revocation", check(), "not revoked",
                       "the root's revocation list, valid now", field);
}

// 9. The certificate is of the chip that the report names. Turin's identity has 8 bytes.
Result<> check_chip(const SnpReport& report, const Chain& chain, SnpProduct product) {
  const size_t size = product == SnpProduct::kTurin ? 8 : 64;
  const Bytes hwid = chain.extensions.hwid;
  if (hwid.size() != size) {
    return invalid("a certificate with a chip id of {} bytes, want {}", hwid.size(), size);
  }
  Fixed<64> want;
  std::ranges::copy(hwid, want.bytes.begin());
  if (same_bytes(want.view(), report.chip_id.view())) return {};
  return invalid("chip {}, certificate of {}", to_string(report.chip_id), to_string(want));
}

void fill_claims(Context& context, const SnpReport& report) {
  SnpClaims& claims = context.claims.snp.emplace();
  claims.version = report.version;
  claims.measurement = report.measurement;
  claims.guest_svn = report.guest_svn;
  claims.guest_policy = report.policy;
  claims.vmpl = report.vmpl;
  claims.debug = report.debug();
  claims.migration_agent = report.migration_agent();
  claims.smt = report.smt();
  claims.cxl = report.cxl();
  claims.platform_info = report.platform_info;
  claims.launch_mitigations = report.launch_mitigations;
  claims.current_mitigations = report.current_mitigations;
  claims.host_data = report.host_data;
  claims.id_key_digest = report.id_key_digest;
  claims.author_key_digest = report.author_key_digest;
  claims.report_id = report.report_id;
  claims.chip_id = report.chip_id;
  context.claims.report_data = report.report_data;
}

// Steps 3 to 9, of which all but the last need certificates.
void judge_origin(Context& context, const SnpQuestion& question, const SnpReport& report,
                  const Chain& chain) {
  Checks& checks = context.checks;
  SnpClaims& claims = *context.claims.snp;
  claims.signed_by_vlek = chain.is_vlek;
  claims.csp = chain.extensions.csp;

  // 3. The chain ends at a pinned root.
  const auto root = find_root(context.roots, chain);
  X509* const ark = root ? root->second.get() : nullptr;
  const std::string path =
      fmt::format("{}, {}, {}", common_name(chain.vek.get()), common_name(chain.intermediate.get()),
                  ark == nullptr ? "?" : common_name(ark));
  const Result<> chained =
      root ? check_vek_chain(chain, root->first, ark, context.now) : std::unexpected(root.error());
  checks.judge(
      "snp.chain", chained, path,
      fmt::format("certificates to a pinned root of AMD's, valid at {}", time_text(context.now)));

  // 4. No certificate of it is revoked.
  if (checks.needs("snp.revocation", {"snp.chain"}))
    judge_revocation(context, question, chain, ark);

  // 5. The report is signed with the leaf's key.
  const Bytes signed_bytes = question.report.first(kSnpSignedBytes);
  checks.judge("snp.signature",
               check_ecdsa(X509_get0_pubkey(chain.vek.get()), NID_secp384r1, Hash::kSha384,
                           signed_bytes, report.r.view(), report.s.view()),
               "good", "ECDSA P-384 by the certificate's key");

  // 6. The report says so, and the policy accepts that kind of key.
  const uint32_t want_key =
      static_cast<uint32_t>(chain.is_vlek ? SnpSigner::kVlek : SnpSigner::kVcek);
  const bool matches = report.signing_key() == want_key;
  checks.judge("snp.signer", matches && (!chain.is_vlek || question.policy.accept_vlek),
               fmt::format("SIGNING_KEY {}, certificate {}", report.signing_key(),
                           common_name(chain.vek.get())),
               chain.is_vlek ? "SIGNING_KEY 1, and a policy that accepts VLEKs" : "SIGNING_KEY 0",
               chain.is_vlek && matches ? question.field + ".accept_vlek" : "");

  // A VLEK is the key of one cloud, and says nothing of the chip.
  if (!chain.is_vlek) {
    checks.not_applicable("snp.csp", "a VCEK is the key of a chip");
  } else {
    const std::string& csp = chain.extensions.csp;
    const auto& allowed = question.policy.csp_ids;
    checks.judge("snp.csp", !csp.empty() && std::ranges::find(allowed, csp) != allowed.end(),
                 csp.empty() ? "a VLEK of no cloud" : csp,
                 allowed.size() == 1 ? printable(allowed[0])
                                     : fmt::format("one of {} in the policy", allowed.size()),
                 csp.empty() ? "" : question.field + ".csp_ids");
  }

  // 7. Root, certificate and CPUID name one product. Reports of version 2 have no CPUID.
  if (!checks.needs("snp.product", {"snp.chain"})) return;
  const SnpProduct product = root->first;
  Result<SnpProduct> cpu = product;
  if (report.version >= 3) cpu = product_of_cpu(report.cpu_family, report.cpu_model);
  checks.judge("snp.product", cpu && *cpu == product && chain.extensions.product == product,
               fmt::format("root {}, certificate {}, CPU {}", to_string(product),
                           to_string(chain.extensions.product),
                           !cpu                  ? cpu.error().message
                           : report.version >= 3 ? to_string(*cpu)
                                                 : "not in reports of version 2"),
               "the same product");

  // 8. The key was derived for the firmware that the report names, component by component.
  if (!checks.needs("snp.certified_tcb", {"snp.product"})) return;
  claims.product = product;
  claims.reported_tcb = decode_tcb(report.reported_tcb, product);
  claims.committed_tcb = decode_tcb(report.committed_tcb, product);
  claims.current_tcb = decode_tcb(report.current_tcb, product);
  claims.launch_tcb = decode_tcb(report.launch_tcb, product);
  checks.judge("snp.certified_tcb", chain.extensions.tcb == claims.reported_tcb,
               tcb_text(claims.reported_tcb, product),
               "the certificate's: " + tcb_text(chain.extensions.tcb, product));

  // 9. And for this chip.
  if (chain.is_vlek) {
    checks.not_applicable("snp.chip", "a VLEK is not bound to a chip");
  } else {
    checks.judge("snp.chip", check_chip(report, chain, product), to_string(report.chip_id),
                 "the chip that the certificate was made for");
  }
}

}  // namespace

std::span<const std::string_view> snp_checks() {
  return kSnpChecks;
}

void verify_snp(Context& context, const SnpQuestion& question) {
  Checks& checks = context.checks;
  // 1. The report's form.
  const auto report = parse_snp_report(question.report);
  const Result<> parsed = report ? Result<>{} : std::unexpected(report.error());
  checks.judge("snp.report", parsed, report ? fmt::format("version {}", report->version) : "",
               "a report of 1184 bytes, version 2 to 5");
  if (!report) return checks.block_rest("snp.report");
  fill_claims(context, *report);

  // 2. Version 2 does not say on which CPU it was made.
  checks.judge("snp.version", report->version >= 3 || question.policy.accept_version_2,
               fmt::format("version {}", report->version),
               "3 or later, unless the policy accepts 2",
               report->version == 2 ? question.field + ".accept_version_2" : "");

  // 3 to 9. Who signed it.
  const auto chain = read_chain(context.endorsements);
  checks.judge("snp.certificates", chain ? Result<>{} : std::unexpected(chain.error()),
               chain ? common_name(chain->vek.get()) : "", "vek and intermediate, well-formed");
  if (chain) judge_origin(context, question, *report, *chain);

  // 10 on. What it says.
  judge_snp_policy(context, question, *report);
  checks.needs("snp.chain", {"snp.certificates"});
  for (const std::string_view id : {"snp.revocation", "snp.product"})
    checks.needs(id, {"snp.chain"});
  checks.needs("snp.signature", {"snp.certificates"});
  checks.needs("snp.signer", {"snp.certificates"});
  checks.needs("snp.csp", {"snp.certificates"});
  checks.needs("snp.certified_tcb", {"snp.product"});
  checks.needs("snp.chip", {"snp.product"});
}

}  // namespace cloister::attest
