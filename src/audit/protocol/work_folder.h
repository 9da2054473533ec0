// What an audit keeps on disk while it runs, so that it can go on after a stop and be done in
// parts: DIR/work. Never trusted beyond what it is: another audit's is refused, damaged files are
// made anew.
#pragma once

#include "audit/record.h"
#include "engine/torch/convert.h"

namespace cloister::audit {

class WorkFolder {
 public:
  // `identity` is all that results depend on, as JSON text. kRefused for a folder of another
  // audit; kUsage for one that holds something when `go_on` is false.
  static Result<WorkFolder> open(const fs::path& folder, const std::string& identity, bool go_on);

  // What is known of a job so far: a record with one cut, or with controls. Nothing when there is
  // none, or none that can be read.
  std::optional<AuditRecord> load(const std::string& job) const;
  Result<> save(const std::string& job, const AuditRecord& record) const;

  fs::path features(const std::string& job) const { return folder_ / "features" / job; }
  fs::path checkpoint(const std::string& job, const std::string& attacker) const;

  // Reconstructions of pictures, kept until the gallery is made: u8 [n,C,H,W].
  Result<> keep(const std::string& job, const std::string& attacker,
                const at::Tensor& pictures) const;
  std::optional<at::Tensor> kept(const std::string& job, const std::string& attacker) const;

  // Removes what a finished job needs no more: all but its result.
  void drop(const std::string& job) const;

  const std::string& identity() const { return identity_; }

 private:
  WorkFolder(fs::path folder, std::string identity)
      : folder_(std::move(folder)), identity_(std::move(identity)) {}

  fs::path folder_;
  std::string identity_;
};

}  // namespace cloister::audit
