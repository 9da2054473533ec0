#include "cli/read_keys.h"

#include <algorithm>

namespace cloister {
namespace {

constexpr uint64_t kMaxKeyFile = 1 << 20;

std::string quoted_path(const std::string& path) {
  return fmt::format("'{}'", printable(path, 400));
}

}  // namespace

Result<SecretBytes> read_secret_file(const fs::path& path) {
  TRY(content, read_file(path, kMaxKeyFile));
  SecretBytes file(as_bytes(content));
  cleanse({reinterpret_cast<std::byte*>(content.data()), content.size()});
  return file;
}

Result<net::TlsIdentity> read_tls_identity(const fs::path& certificate, const fs::path& key) {
  TRY(certificate_pem, read_file(certificate, kMaxKeyFile));
  TRY(key_pem, read_file(key, kMaxKeyFile));
  return net::TlsIdentity{std::move(certificate_pem), std::move(key_pem)};
}

Result<std::vector<minisign::PublicKey>> read_signers(const std::vector<std::string>& texts) {
  std::vector<minisign::PublicKey> keys;
  for (const std::string& text : texts) {
    if (auto bare = minisign::parse_public_key(text)) {
      keys.push_back(*bare);
      continue;
    }
    TRY(file, read_file(text, minisign::kMaxKeyFileBytes));
    auto key = minisign::parse_public_key(file);
    if (!key) return with_context(key.error(), quoted_path(text));
    keys.push_back(*key);
  }
  return keys;
}

Result<std::vector<age::Identity>> read_identities(const std::vector<std::string>& paths) {
  std::vector<age::Identity> identities;
  for (const std::string& path : paths) {
    TRY(file, read_secret_file(path));
    auto read = age::parse_identities(file.text());
    if (!read) return with_context(read.error(), quoted_path(path));
    std::ranges::move(*read, std::back_inserter(identities));
  }
  return identities;
}

}  // namespace cloister
