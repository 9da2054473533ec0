#include "attest/verify/endorsement_sources.h"

#include "attest/chain.h"
#include "attest/dcap/pck.h"
#include "attest/dcap/quote.h"
#include "attest/snp/report.h"
#include "attest/verify/kinds.h"

namespace cloister::attest {
namespace {

using Sources = std::vector<EndorsementSource>;

// As AMD's addresses have it.
std::string_view site_word(SnpProduct product) {
  switch (product) {
    case SnpProduct::kMilan:
      return "Milan";
    case SnpProduct::kGenoa:
      return "Genoa";
    case SnpProduct::kTurin:
      return "Turin";
  }
  return "";
}

Result<SnpProduct> product_of(const SnpReport& report, std::optional<SnpProduct> product) {
  if (report.version >= 3) return product_of_cpu(report.cpu_family, report.cpu_model);
  if (product) return *product;
  return fail(Kind::kUsage,
              "a report of version 2 does not say which product made it, want milan, genoa or "
              "turin");
}

}  // namespace

Result<Sources> snp_endorsement_sources(Bytes bytes, const EndorsementSites& sites,
                                        std::optional<SnpProduct> given) {
  TRY(report, parse_snp_report(bytes));
  if (report.signing_key() == static_cast<uint32_t>(SnpSigner::kVlek)) {
    return fail(Kind::kUnsupported,
                "the report is signed with a VLEK: the host supplies its certificates with the "
                "report, and AMD publishes them to nobody else");
  }
  TRY(product, product_of(report, given));
  const SnpTcb tcb = decode_tcb(report.reported_tcb, product);
  const bool turin = product == SnpProduct::kTurin;
  const std::string folder = fmt::format("/vcek/v1/{}", site_word(product));
  return Sources{{sites.amd,
                  fmt::format("{}/{}?{}blSPL={}&teeSPL={}&snpSPL={}&ucodeSPL={}", folder,
                              to_hex(report.chip_id.view().first(turin ? 8 : 64)),
                              turin ? fmt::format("fmcSPL={}&", tcb.fmc) : "", tcb.bootloader,
                              tcb.tee, tcb.snp, tcb.microcode),
                  kVek},
                 {sites.amd, folder + "/cert_chain", kIntermediate},
                 {sites.amd, folder + "/crl", kAmdCrl}};
}

Result<Sources> dcap_endorsement_sources(Bytes bytes, const EndorsementSites& sites) {
  TRY(quote, parse_dcap_quote(bytes));
  TRY(chain, parse_chain(quote.pck_chain));
  TRY(pck, pck_extension(chain.front().get()));
  const std::string issuer = issuer_name(chain.front().get());
  const bool platform = issuer == "Intel SGX PCK Platform CA";
  if (!platform && issuer != "Intel SGX PCK Processor CA") {
    return fail(Kind::kUnsupported,
                "the platform's certificate is issued by '{}', want Intel's Platform or Processor "
                "CA",
                printable(issuer));
  }
  const std::string folder = quote.td ? "/tdx/certification/v4" : "/sgx/certification/v4";
  return Sources{{sites.intel, fmt::format("{}/tcb?fmspc={}", folder, to_string(pck.fmspc)),
                  kTcbInfo, kTcbInfoChain, "TCB-Info-Issuer-Chain"},
                 {sites.intel, folder + "/qe/identity", kQeIdentity, kQeIdentityChain,
                  "SGX-Enclave-Identity-Issuer-Chain"},
                 {sites.intel,
                  fmt::format("/sgx/certification/v4/pckcrl?ca={}&encoding=der",
                              platform ? "platform" : "processor"),
                  kPckCrl},
                 {sites.intel_root_crl, "", kRootCrl}};
}

Result<Sources> endorsement_sources(const Evidence& evidence, const EndorsementSites& sites,
                                    std::optional<SnpProduct> product) {
  const KindVerifier* const row = find_verifier(evidence.kind);
  if (row != nullptr && row->sources != nullptr) return row->sources(evidence, sites, product);
  return fail(Kind::kUsage, "{} evidence has no vendor endorsements: there is nothing to fetch",
              to_string(evidence.kind));
}

}  // namespace cloister::attest
