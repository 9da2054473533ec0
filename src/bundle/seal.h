// Makes bundles. In the tool only.
#pragma once

#include "base/file.h"
#include "bundle/age.h"
#include "bundle/manifest.h"
#include "bundle/minisign_secret.h"
#include "bundle/specs.h"
#include "graph/cuts.h"

namespace cloister::bundle {

struct SealOptions {
  std::string tool;
  int64_t created_seconds = 0;  // since 1970
  std::string model_name;
  uint64_t version = 1;
  int64_t max_batch = 1;          // more: why_no_batch (specs.h) has nothing against it
  std::vector<DimBound> bounds;   // of free dimensions of the inputs
  int64_t free_dimension = 1024;  // the bound of all others
  std::string model_sha256;
  std::vector<PlannedSegment> segments;  // of the plan: as many as the cuts make
  std::vector<age::Recipient> recipients;
  const minisign::SecretKey* key = nullptr;  // never null
  std::string audit_sha256;                  // of the audit that the plan was made of; empty: none
  std::string plan;                          // contents of the entries; empty: no such entry
  std::string audit;
  std::string report;
  std::string preprocess;
  std::string encoding;
  std::string labels;
};

// Writes the bundle of a typed graph, cut at `cuts` into options.segments. Weights go through
// encryption straight into files, never in the clear and never gathered in memory. Gives back the
// manifest. kInvalid where the parts do not fit.
Result<Manifest> seal(const Graph& graph, const std::vector<Cut>& cuts, const SealOptions& options,
                      const fs::path& output);

}  // namespace cloister::bundle
