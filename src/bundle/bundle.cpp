#include "bundle/bundle.h"

#include <algorithm>

#include "base/sha256.h"

namespace cloister::bundle {
namespace {

// A source that hashes what it gives.
class HashedSource {
 public:
  explicit HashedSource(age::Source source) : source_(std::move(source)) {}

  Result<size_t> read(MutableBytes out) {
    TRY(got, source_(out));
    hash_.update(out.first(got));
    bytes_ += got;
    return got;
  }

  // Whether all that was read is the entry.
  Result<> check(const Entry& entry) {
    if (bytes_ != entry.bytes) {
      return fail(Kind::kRefused, "{} bytes were used, the manifest says {}", bytes_, entry.bytes);
    }
    return same(hash_.finish(), entry.sha256);
  }

  static Result<> same(const Digest& digest, const std::string& want) {
    const std::string found = to_hex(digest);
    if (found == want) return {};
    return fail(Kind::kRefused, "not what was signed: SHA-256 {}, the manifest says {}",
                found.substr(0, 16), want.substr(0, 16));
  }

 private:
  age::Source source_;
  Sha256 hash_;
  uint64_t bytes_ = 0;
};

MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::byte*>(text.data()), text.size()};
}

uint64_t plain_bytes(const Entry& entry) {
  return entry.plain_bytes.value_or(entry.bytes);
}

Result<std::optional<size_t>> check_signature(std::string_view json, std::string_view signature,
                                              const std::vector<minisign::PublicKey>& signers) {
  if (signers.empty()) return std::nullopt;
  if (signature.empty()) {
    return fail(Kind::kRefused, "not signed, want a signature by {}", signers[0].id_text());
  }
  TRY(signer, minisign::verify(as_bytes(json), signature, signers));
  return signer;
}

// The archive holds what the manifest lists, and nothing else.
Result<> check_items(const Archive& archive, const Manifest& manifest) {
  for (const Archive::Item& item : archive.items()) {
    if (item.name == kManifestName || item.name == kSignatureName) continue;
    const Entry* entry = manifest.entry(item.name);
    if (entry == nullptr) {
      return fail(Kind::kRefused, "entry '{}' is not in the manifest", printable(item.name, 60));
    }
    if (entry->bytes != item.bytes) {
      return fail(Kind::kRefused, "entry '{}' has {} bytes, the manifest says {}", item.name,
                  item.bytes, entry->bytes);
    }
  }
  for (const Entry& entry : manifest.entries) {
    if (std::ranges::find(archive.items(), entry.name, &Archive::Item::name) ==
        archive.items().end()) {
      return fail(Kind::kRefused, "entry '{}' is in the manifest, but not in the archive",
                  entry.name);
    }
  }
  return {};
}

struct Opened {
  Manifest manifest;
  std::string json;
  std::string signature;
  std::optional<size_t> signer;
};

Result<Opened> open_manifest(const Archive& archive,
                             const std::vector<minisign::PublicKey>& signers,
                             uint64_t min_version) {
  Opened opened;
  // 1. The bytes that were signed, read once.
  TRY(json, archive.read(kManifestName, kMaxManifestBytes));
  opened.json = std::move(json);
  auto signature = archive.read(kSignatureName, minisign::kMaxSignatureBytes);
  if (!signature && signature.error().kind != Kind::kNotFound)
    return std::unexpected(signature.error());
  opened.signature = signature ? std::move(*signature) : "";
  // 2. The signature, before anything is made of them.
  auto signer = check_signature(opened.json, opened.signature, signers);
  if (!signer) return with_context(signer.error(), "manifest");
  opened.signer = *signer;
  // 3. The manifest, and whether it is too old.
  TRY(manifest, parse_manifest(opened.json));
  opened.manifest = std::move(manifest);
  if (opened.manifest.version < min_version) {
    return fail(Kind::kRefused, "version {}, want {} or later", opened.manifest.version,
                min_version);
  }
  // 4. What there is. Digests are checked when an entry is read.
  TRY_OK(check_items(archive, opened.manifest));
  return opened;
}

}  // namespace

Result<Bundle> Bundle::open(const fs::path& path, const std::vector<minisign::PublicKey>& signers,
                            uint64_t min_version) {
  TRY(archive, Archive::open(path));
  auto opened = open_manifest(archive, signers, min_version);
  if (!opened) {
    return with_context(opened.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  Bundle bundle(archive, std::move(opened->manifest));
  bundle.json_ = std::move(opened->json);
  bundle.signature_ = std::move(opened->signature);
  bundle.signer_ = opened->signer;
  return bundle;
}

std::string Bundle::manifest_sha256() const {
  return to_hex(sha256(as_bytes(json_)));
}

Result<const Entry*> Bundle::find(std::string_view name) const {
  const Entry* entry = manifest_.entry(name);
  if (entry == nullptr) return fail(Kind::kNotFound, "no entry '{}'", printable(name, 60));
  return entry;
}

Result<> Bundle::load(const Entry& entry, const std::vector<age::Identity>& identities,
                      const WrappedKeys& released, MutableBytes out) const {
  const auto loaded = [&]() -> Result<> {
    TRY(source, archive_.source(entry.name));
    HashedSource stored(source);
    const age::Source read = [&](MutableBytes room) { return stored.read(room); };
    if (!entry.plain_bytes) {
      TRY_OK(read(out));
      return stored.check(entry);
    }
    const auto header = released.find(entry.name);
    TRY_OK(age::decrypt(read, identities, out,
                        header == released.end() ? std::string_view() : header->second));
    TRY_OK(stored.check(entry));
    return HashedSource::same(sha256(out), entry.plain_sha256);
  }();
  if (!loaded) {
    cleanse(out);
    return with_context(loaded.error(), fmt::format("entry '{}'", entry.name));
  }
  return {};
}

Result<std::string> Bundle::read(std::string_view name, uint64_t max_bytes) const {
  TRY(entry, find(name));
  if (entry->plain_bytes) {
    return fail(Kind::kUsage, "entry '{}' is encrypted, and part of a segment", name);
  }
  if (entry->bytes > max_bytes) {
    return invalid("entry '{}' has {} bytes, want at most {}", name, entry->bytes, max_bytes);
  }
  std::string content(entry->bytes, '\0');
  TRY_OK(load(*entry, {}, {}, bytes_of(content)));
  return content;
}

Result<Segment> Bundle::segment(std::string_view name, const std::vector<age::Identity>& identities,
                                const WrappedKeys& released) const {
  const SegmentInfo* info = manifest_.segment(name);
  if (info == nullptr) return fail(Kind::kNotFound, "no segment '{}'", printable(name, 60));
  TRY(model, find(model_entry(*info)));
  Segment segment;
  segment.model.resize(plain_bytes(*model));
  TRY_OK(load(*model, identities, released, bytes_of(segment.model)));
  const Entry* weights = manifest_.entry(weights_entry(*info));
  if (weights == nullptr) return segment;
  const auto memory = std::make_shared<SecretBytes>(plain_bytes(*weights));
  TRY_OK(load(*weights, identities, released, memory->bytes()));
  segment.files.push_back({weights_file(*info), std::as_const(*memory).bytes(), memory});
  return segment;
}

Result<WrappedKeys> Bundle::headers() const {
  WrappedKeys headers;
  for (const Entry& entry : manifest_.entries) {
    if (!entry.plain_bytes) continue;
    TRY(source, archive_.source(entry.name));
    auto header = age::read_header(source);
    if (!header) return with_context(header.error(), fmt::format("entry '{}'", entry.name));
    headers.emplace(entry.name, std::move(*header));
  }
  return headers;
}

Result<> Bundle::check(std::string_view name) const {
  TRY(entry, find(name));
  const auto checked = [&, &entry = entry]() -> Result<> {
    TRY(source, archive_.source(name));
    HashedSource stored(source);
    std::vector<std::byte> block(1 << 20);
    while (true) {
      TRY(got, stored.read(block));
      if (got < block.size()) return stored.check(*entry);
    }
  }();
  if (!checked) return with_context(checked.error(), fmt::format("entry '{}'", name));
  return {};
}

}  // namespace cloister::bundle
