// The certificates that a host hands an SEV-SNP guest beside its report: `auxblob` of configfs-tsm,
// the certificate buffer of SNP_GET_EXT_REPORT (GHCB specification, 4.1.8.1).
#pragma once

#include "attest/evidence.h"
#include "attest/snp/report.h"

namespace cloister::attest {

// Those that vouch for a report with this signer, as blobs: its VCEK or VLEK, and the intermediate
// certificate. What the table lacks is left out; roots are pinned, so its own root and all else in
// it are ignored. No bytes, or zeros, are a table without entries.
// kInvalid: an entry past the end, one given twice, something that is no certificate. Thread-safe.
Result<std::vector<Blob>> parse_certificate_table(Bytes table, SnpSigner signer);

}  // namespace cloister::attest
