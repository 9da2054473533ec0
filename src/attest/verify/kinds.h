// What a party that judges evidence knows of each kind: one row each.
#pragma once

#include <span>

#include "attest/context.h"
#include "attest/verify/endorsement_sources.h"
#include "attest/verify/verify.h"

namespace cloister::attest {

// Plain data; functions are pure and thread-safe.
struct KindVerifier {
  EvidenceKind kind;
  std::string_view field;  // the policy's, without which the kind is not accepted
  bool (*accepts)(const Policy&);
  // Names the checks that `verify` judges, in the order in which they are listed.
  void (*add_checks)(Checks&);
  // Judges evidence of good form. Where the policy does not accept the kind, under one that accepts
  // nothing, so that people see what else there is.
  void (*verify)(Context&, const Evidence&, const Policy&, const Expected&);
  // Whether a report without its exchange is of this kind, by its first fields; of several rows
  // that say so the first is right.
  bool (*looks_like)(Bytes report);
  // The claims that tell which program it is and where it runs, by the names of their lines
  // (trust/claims_text.h); "pcr*" stands for all that begin so.
  std::span<const std::string_view> identity;
  // As endorsement_sources(); null: nobody publishes any.
  Result<std::vector<EndorsementSource>> (*sources)(const Evidence&, const EndorsementSites&,
                                                    std::optional<SnpProduct>) = nullptr;
};

// Null for a number that is no kind.
const KindVerifier* find_verifier(EvidenceKind kind);

bool accepts(const Policy& policy, EvidenceKind kind);

// Which kind of evidence the bytes of a bare report or quote are. kInvalid when they are none that
// is known.
Result<EvidenceKind> guess_kind(Bytes report);

}  // namespace cloister::attest
