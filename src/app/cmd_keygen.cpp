#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.h"
#include "base/folder.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/time.h"
#include "cli/keys.h"

namespace cloister {
namespace {

constexpr const char* kKeygenFooter =
    R"(--encryption makes the key with which a trusted server opens bundles, as age-keygen
does: FILE is the secret; the printed 'age1...' is the recipient for 'seal'.
--signing makes the key that signs bundles, as minisign does: NAME.key is the secret,
protected by a password that you type, and NAME.pub is for verifiers. --token makes a
client's bearer token, and the line by which the server recognises it; the token is
printed once and stored nowhere. Existing files are never overwritten.

Examples:
  cloister keygen --encryption -o server.txt
  cloister keygen --signing -o release
  cloister keygen --token alice)";

struct KeygenOptions {
  bool encryption = false, signing = false, no_password = false;
  std::string token, output, password_file;
};

Outcome make_encryption_key(const KeygenOptions& options, int64_t now) {
  TRY(identity, age::Identity::generate());
  const std::string recipient = identity.recipient().text();
  const SecretBytes text = identity.text();
  const std::string comment = fmt::format("# created: {}\n# public key: {}\n",
                                          time_text(Time(std::chrono::seconds(now))), recipient);
  SecretBytes file(comment.size() + text.text().size() + 1);
  std::byte* out = file.bytes().data();
  out = std::ranges::copy(as_bytes(comment), out).out;
  out = std::ranges::copy(text.bytes(), out).out;
  *out = std::byte{'\n'};
  TRY_OK(make_folder_of(options.output));
  TRY_OK(write_new_file(options.output, file.bytes(), true));
  fmt::print("{}\n", recipient);
  return 0;
}

// Nothing where the key is to have none.
Result<std::optional<SecretBytes>> new_password(const KeygenOptions& options) {
  if (options.no_password) return std::nullopt;
  if (!options.password_file.empty()) {
    TRY(password, read_password(options.password_file));
    return std::move(password);
  }
  TRY(password, ask_password("Password for the new key: "));
  TRY(again, ask_password("Repeat the password: "));
  if (password.text() != again.text()) return fail(Kind::kUsage, "the passwords differ");
  return std::move(password);
}

Outcome make_signing_key(const KeygenOptions& options) {
  const std::string secret_path = options.output + ".key";
  const std::string public_path = options.output + ".pub";
  for (const std::string& path : {secret_path, public_path}) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(path, ignored))) {
      return fail(Kind::kUsage, "'{}' already exists and will not be overwritten",
                  printable(path, 400));
    }
  }
  TRY(password, new_password(options));
  TRY(key, minisign::generate_key());
  TRY(file, minisign::secret_key_file(key, password ? &*password : nullptr));
  TRY_OK(make_folder_of(secret_path));
  TRY_OK(write_new_file(secret_path, file.bytes(), true));
  TRY_OK(write_new_file(public_path, as_bytes(key.public_key.file()), false));
  fmt::print("{}\n", key.public_key.text());
  return 0;
}

Outcome make_token(const std::string& name) {
  if (name.empty() || name.size() > 100 || printable(name) != name) {
    return fail(Kind::kUsage, "--token '{}': want a name of 1 to 100 letters", printable(name));
  }
  std::array<std::byte, 32> bytes;
  TRY_OK(random_bytes(bytes));
  // Hexadecimal: nothing in it needs care in a header, a shell or a URL.
  const std::string token = to_hex(bytes);
  const nlohmann::ordered_json line = {{"name", name},
                                       {"token_sha256", to_hex(sha256(as_bytes(token)))}};
  fmt::print("{}\n{}\n", token, line.dump());
  return 0;
}

Outcome make_keys(const KeygenOptions& options, int64_t now) {
  const int kinds =
      (options.encryption ? 1 : 0) + (options.signing ? 1 : 0) + (options.token.empty() ? 0 : 1);
  if (kinds != 1) {
    return fail(Kind::kUsage, "want one of --encryption, --signing and --token NAME");
  }
  if (!options.token.empty()) return make_token(options.token);
  if (options.output.empty()) return fail(Kind::kUsage, "-o FILE is missing");
  if (options.encryption) return make_encryption_key(options, now);
  return make_signing_key(options);
}

}  // namespace

void add_keygen_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<KeygenOptions>();
  CLI::App* command =
      app.add_subcommand("keygen", "Make encryption keys, signing keys, and client tokens");
  command->add_flag("--encryption", options->encryption, "make an age identity");
  command->add_flag("--signing", options->signing, "make a minisign key pair");
  command->add_option("--token", options->token, "make a client's token")->type_name("NAME");
  command
      ->add_option("-o,--output", options->output,
                   "the identity's file; or NAME for NAME.key and NAME.pub")
      ->type_name("FILE|NAME");
  command
      ->add_option("--password-file", options->password_file,
                   "file whose first line is the signing key's password")
      ->type_name("FILE");
  command->add_flag("--no-password", options->no_password, "make a signing key without a password")
      ->excludes("--password-file");
  command->footer(kKeygenFooter);
  command->callback([options, &outcome] { outcome = make_keys(*options, std::time(nullptr)); });
}

}  // namespace cloister
