// Keys as files and texts that programs are given.
#pragma once

#include "base/file.h"
#include "bundle/age.h"
#include "bundle/minisign.h"
#include "bundle/secret.h"
#include "net/tls.h"

namespace cloister {

// A file whose text is wiped from memory when it has been used. Of at most 1 MiB.
Result<SecretBytes> read_secret_file(const fs::path& path);

// Each a minisign .pub file or the key itself ("RW...").
Result<std::vector<minisign::PublicKey>> read_signers(const std::vector<std::string>& texts);

// Files as `age-keygen` and `cloister keygen` write them.
Result<std::vector<age::Identity>> read_identities(const std::vector<std::string>& paths);

// A PEM certificate, followed by its issuers, and its PEM key.
Result<net::TlsIdentity> read_tls_identity(const fs::path& certificate, const fs::path& key);

}  // namespace cloister
