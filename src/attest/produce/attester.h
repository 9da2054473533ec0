// Asks this machine's trusted environment for evidence. docs/design/012-producers.md says which
// interface serves which environment.
#pragma once

#include <filesystem>
#include <memory>

#include "attest/evidence.h"
#include "attest/fixed.h"

namespace cloister::attest {

// What an environment says of itself, and what others say of it.
struct AttestedEvidence {
  Evidence evidence;
  Endorsements endorsements;
};

class Attester {
 public:
  virtual ~Attester() = default;

  virtual EvidenceKind kind() const = 0;
  // Where it comes from, for people: "configfs-tsm (sev_guest)". A TPM's tells the name of its key,
  // which policies list; that of simulated evidence what was looked for in vain.
  virtual std::string source() const = 0;
  // Evidence over `report_data`; a TPM, which takes fewer bytes, signs its SHA-256. Blocks,
  // milliseconds to seconds. It has the form that verifiers take (check_form), and is over what was
  // asked for as far as that can be told without checking signatures. kUnavailable: may be asked
  // again; kIo, kInvalid, kUnsupported: what the environment or the endorsements' folder gave is
  // not what it should be. Thread-safe: one after the other.
  virtual Result<AttestedEvidence> produce(const Fixed<64>& report_data) = 0;
};

enum class Source { kAuto, kTsm, kGramine, kSevGuest, kAzure, kTpm, kSimulated };

// "auto", "tsm", "gramine", "sev-guest", "azure", "tpm", "simulated"
std::string_view to_string(Source source);
Result<> from_string(std::string_view text, Source& out);  // kUsage, listing the words

struct AttesterOptions {
  Source source = Source::kAuto;
  std::filesystem::path tsm = "/sys/kernel/config/tsm/report";  // configfs-tsm, Linux 6.7
  std::filesystem::path gramine = "/dev/attestation";
  std::filesystem::path sev_guest = "/dev/sev-guest";
  // As tpm2-tss names them: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321",
  // "swtpm:path=/run/tpm". For tpm and azure.
  std::string tpm = "device:/dev/tpmrm0";
  // A folder of files named as blobs are (evidence.h; an extension does not matter): certificates,
  // revocation lists, Intel's collateral. Read for each piece of evidence, since they expire, and
  // put beside it. Empty: none. What the environment itself hands over comes first. A name that the
  // kind of evidence does not know is an error, unless it begins with a dot.
  std::filesystem::path endorsements;
};

// The producer that `source` names, or with kAuto the first that answers: configfs-tsm, Gramine,
// sev-guest; then simulated evidence, since a TPM alone protects no memory and is used only where
// it is named. What is there and does not work ends the search with its error. kUnavailable when
// the one that is named is not there; kUnsupported for an environment that is there and not known.
// The endorsements' folder is read once, so that its mistakes show here. For tpm and azure it sets
// TSS2_LOG in the environment, unless it is set: call it before there are threads.
Result<std::unique_ptr<Attester>> find_attester(const AttesterOptions& options);

}  // namespace cloister::attest
