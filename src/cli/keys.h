// Keys that only the tools need; cli/read_keys.h has those that servers read too.
#pragma once

#include "base/file.h"
#include "bundle/age.h"
#include "bundle/minisign_secret.h"

namespace cloister {

// "age1..." texts, then those in files.
Result<std::vector<age::Recipient>> read_recipients(const std::vector<std::string>& texts,
                                                    const std::vector<std::string>& paths);

// The password in a file's first line.
Result<SecretBytes> read_password(const fs::path& path);

// A password that is typed on the terminal, unseen. kUsage where there is none.
Result<SecretBytes> ask_password(const std::string& prompt);

// minisign's secret key; where it has a password, that is in `password_file` or asked for.
Result<minisign::SecretKey> read_signing_key(const std::string& path,
                                             const std::string& password_file);

}  // namespace cloister
