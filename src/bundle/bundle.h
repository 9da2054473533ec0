// A sealed bundle, opened: the model's segments and what belongs to them, each checked against a
// signed manifest as it is read. docs/formats/bundle.md.
#pragma once

#include <map>

#include "bundle/archive.h"
#include "bundle/manifest.h"
#include "bundle/minisign.h"
#include "tensor/segment.h"

namespace cloister::bundle {

inline constexpr char kManifestName[] = "manifest.json";
inline constexpr char kSignatureName[] = "manifest.json.minisig";

// WrappedKeys of encrypted entries, by the entry's name.
using WrappedKeys = std::map<std::string, std::string>;

// The file may change while it is read: what is returned is what was hashed.
// Thread-safe.
class Bundle {
 public:
  // Opens, checks the ZIP's structure and the manifest. One of `signers` must have signed it; with
  // none given the signature is not checked, and callers say so. kRefused for a wrong or missing
  // signature and for a version before `min_version`; kInvalid for what is malformed.
  static Result<Bundle> open(const fs::path& path, const std::vector<minisign::PublicKey>& signers,
                             uint64_t min_version);

  const Manifest& manifest() const { return manifest_; }
  const std::string& manifest_json() const { return json_; }  // the exact signed bytes
  // Contents of manifest.json.minisig, empty if there is none.
  const std::string& manifest_signature() const { return signature_; }
  std::string manifest_sha256() const;  // hexadecimal
  // Position of the signer in `signers`; nothing if the signature was not checked.
  std::optional<size_t> signer() const { return signer_; }

  // A plain entry. kNotFound when the bundle has none, kRefused when it is not what the manifest
  // says.
  Result<std::string> read(std::string_view name, uint64_t max_bytes = 256 << 20) const;

  // A segment ready for an engine, its model and weights in memory, those of a trusted one
  // decrypted; never on a disk. The weights' memory is cleansed when their owner goes; the model's
  // skeleton, which holds weights under 1 KiB, is a string like any other. WrappedKeys that
  // somebody `released` (age::rewrap) take the place of the entries' own. kNotFound for a segment
  // that the bundle has not, kRefused when no identity opens it or it is not what the manifest
  // says.
  Result<Segment> segment(std::string_view name, const std::vector<age::Identity>& identities,
                          const WrappedKeys& released = {}) const;

  // Of all encrypted entries, to be released. Not checked against the manifest: that takes the
  // whole of an entry, and is done when it is read.
  Result<WrappedKeys> headers() const;

  // Whether an entry, as stored, is what the manifest says; read in constant memory.
  Result<> check(std::string_view name) const;

 private:
  Bundle(Archive archive, Manifest manifest)
      : archive_(std::move(archive)), manifest_(std::move(manifest)) {}

  Result<const Entry*> find(std::string_view name) const;
  // The whole of an entry, decrypted if it is encrypted, into `out`, which has its plain size.
  Result<> load(const Entry& entry, const std::vector<age::Identity>& identities,
                const WrappedKeys& released, MutableBytes out) const;

  Archive archive_;
  Manifest manifest_;
  std::string json_;
  std::string signature_;
  std::optional<size_t> signer_;
};

}  // namespace cloister::bundle
