// Where the endorsements of evidence are published. A pure function: nothing is fetched here
// (client/fetch_endorsements.h does).
#pragma once

#include <optional>

#include "attest/evidence.h"
#include "attest/words.h"

namespace cloister::attest {

// The publishers' sites; without a slash at the end.
struct EndorsementSites {
  std::string amd = "https://kdsintf.amd.com";                  // Key Distribution Service
  std::string intel = "https://api.trustedservices.intel.com";  // Provisioning Certification
                                                                // Service, or a cache of it (PCCS)
  std::string intel_root_crl = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
};

// One download.
struct EndorsementSource {
  std::string site;
  std::string target;                // what follows the site, with the query
  std::string_view blob;             // what the body is; of `intermediate`, its first certificate
  std::string_view chain_blob = {};  // what comes with it in a header, as percent-encoded PEM
  std::string_view chain_field = {};

  std::string url() const { return site + target; }
};

// What to fetch for this evidence: of the chip, firmware and platform that it names, none of which
// is believed for that. `product` is asked for only where an SEV-SNP report does not say it
// (version 2). kUsage: no product, or evidence that nobody endorses; kUnsupported for VLEKs, which
// only the host has; otherwise errors of the parsers. Sources: "VCEK certificate and KDS interface
// specification", "Intel SGX and TDX PCS API", version 4. Thread-safe.
Result<std::vector<EndorsementSource>> endorsement_sources(const Evidence& evidence,
                                                           const EndorsementSites& sites,
                                                           std::optional<SnpProduct> product);

// The same of an SEV-SNP report, and of a TDX or SGX quote.
Result<std::vector<EndorsementSource>> snp_endorsement_sources(Bytes report,
                                                               const EndorsementSites& sites,
                                                               std::optional<SnpProduct> product);
Result<std::vector<EndorsementSource>> dcap_endorsement_sources(Bytes quote,
                                                                const EndorsementSites& sites);

}  // namespace cloister::attest
