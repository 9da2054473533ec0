// What the owner of keys does with them. A server that runs meanwhile sees it with the next
// request.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/keyserver/commands.h"
#include "attest/verify/kinds.h"
#include "base/sha256.h"
#include "base/time.h"
#include "cli/read_keys.h"
#include "keyserver/key_store.h"

namespace cloister {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAddFooter =
    R"(Prints the recipient, age1..., for which to seal bundles. Without --identity it makes the
secret, which then exists nowhere else: back up the folder. With one key per model, each model
has its own policy; a server that may have a key may have it for every bundle encrypted to it.

The policy is that of 'cloister verify --policy', with 'tee', 'bundle', 'audit' and 'configs'
as for a server: the environment that the server must have, and whose bundle it may open.

Examples:
  cloister-keyserver add release --keys keys --policy trust-policy.json
  cloister-keyserver add old --keys keys --policy trust-policy.json --identity server.txt)";

struct KeyOptions {
  std::string folder, name, identity, policy, why;
  bool json = false;
};

// The kinds of evidence that the policy takes.
std::vector<std::string_view> accepted_kinds(const attest::Policy& tee) {
  std::vector<std::string_view> kinds;
  for (const attest::EvidenceKind kind : attest::kEvidenceKinds) {
    if (attest::accepts(tee, kind)) kinds.push_back(attest::to_string(kind));
  }
  return kinds;
}

Result<attest::TrustPolicy> read_policy(const std::string& path) {
  TRY(policy, attest::read_trust_policy(path));
  if (policy.tee.accept_simulated) {
    fmt::print(
        stderr,
        "warning: this policy releases the key to simulated environments, which prove nothing: "
        "anybody can get it\n");
  }
  if (policy.tee.tpm) {
    fmt::print(stderr,
               "warning: this policy releases the key to machines whose memory their host can read "
               "(tpm)\n");
  }
  return policy;
}

Result<age::Identity> identity_of(const std::string& path) {
  if (path.empty()) return age::Identity::generate();
  TRY(identities, read_identities({path}));
  if (identities.size() != 1) {
    return fail(Kind::kUsage, "'{}' holds {} identities, want 1: add each as its own key",
                printable(path, 400), identities.size());
  }
  return std::move(identities[0]);
}

Outcome add_new_key(const KeyOptions& o) {
  TRY(policy, read_policy(o.policy));
  TRY(identity, identity_of(o.identity));
  std::error_code code;
  if (fs::create_directories(o.folder, code)) {
    fs::permissions(o.folder, fs::perms::owner_all, code);
  }
  if (code) {
    return fail(Kind::kIo, "can't make '{}': {}", printable(o.folder, 400), code.message());
  }
  TRY_OK(serving::add_key(o.folder, o.name, identity, policy));
  const std::string recipient = identity.recipient().text();
  if (o.json) {
    fmt::print("{}\n", Json{{"name", o.name}, {"recipient", recipient}}.dump());
  } else {
    fmt::print("{}\n", recipient);
  }
  return 0;
}

Outcome set_policy(const KeyOptions& o) {
  TRY(policy, read_policy(o.policy));
  TRY_OK(serving::change_key(o.folder, o.name, [&](serving::KeyRecord& key) -> Result<> {
    key.policy = std::move(policy);
    return {};
  }));
  return 0;
}

Json json_of(const serving::StoredKey& stored) {
  if (!stored.record) return {{"name", stored.name}, {"error", stored.record.error().message}};
  const serving::KeyRecord& key = *stored.record;
  Json json = {{"name", key.name},
               {"recipient", key.recipient},
               {"accepts", accepted_kinds(key.policy.tee)},
               {"policy_sha256", to_hex(sha256(as_bytes(attest::policy_json(key.policy))))},
               {"revoked", nullptr}};
  if (key.revoked) json["revoked"] = {{"when", key.revoked->when}, {"why", key.revoked->why}};
  return json;
}

void print_key(const serving::StoredKey& stored) {
  if (!stored.record) {
    fmt::print("{}  can't be used: {}\n", printable(stored.name), stored.record.error().message);
    return;
  }
  const serving::KeyRecord& key = *stored.record;
  fmt::print("{}  {}  {}", key.name, key.recipient, fmt::join(accepted_kinds(key.policy.tee), ","));
  if (key.revoked) {
    fmt::print("  revoked {}: {}", printable(key.revoked->when), printable(key.revoked->why, 400));
  }
  fmt::print("\n");
}

Outcome list_all(const KeyOptions& o) {
  TRY(keys, serving::list_keys(o.folder));
  if (o.json) {
    Json list = Json::array();
    for (const serving::StoredKey& key : keys) list.push_back(json_of(key));
    fmt::print("{}\n", Json{{"keys", list}}.dump(2));
    return 0;
  }
  for (const serving::StoredKey& key : keys) print_key(key);
  return 0;
}

Outcome revoke(const KeyOptions& o) {
  if (o.why.empty() || o.why.size() > 500 || printable(o.why, 500) != o.why) {
    return fail(Kind::kUsage, "--why: want 1 to 500 letters on one line");
  }
  TRY_OK(serving::change_key(o.folder, o.name, [&](serving::KeyRecord& key) -> Result<> {
    if (key.revoked) {
      return fail(Kind::kUsage, "key '{}' was revoked {}: {}", o.name, printable(key.revoked->when),
                  printable(key.revoked->why, 400));
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    key.revoked = {time_text(now), o.why};
    return {};
  }));
  return 0;
}

Outcome restore(const KeyOptions& o) {
  TRY_OK(serving::change_key(o.folder, o.name, [&](serving::KeyRecord& key) -> Result<> {
    if (!key.revoked) return fail(Kind::kUsage, "key '{}' is not revoked", o.name);
    key.revoked.reset();
    return {};
  }));
  return 0;
}

using Run = Outcome (*)(const KeyOptions&);

// A command about the key NAME, or about all.
CLI::App* add_command(CLI::App& app, Outcome& outcome, const char* name, const char* help, Run run,
                      const std::shared_ptr<KeyOptions>& options, bool named) {
  CLI::App* command = app.add_subcommand(name, help);
  if (named) {
    command->add_option("NAME", options->name, "name of the key")->required()->type_name("NAME");
  }
  command->add_option("--keys", options->folder, "folder of the keys")
      ->required()
      ->type_name("DIR");
  command->callback([options, run, &outcome] { outcome = run(*options); });
  return command;
}

}  // namespace

void add_key_commands(CLI::App& app, Outcome& outcome) {
  const auto o = std::make_shared<KeyOptions>();
  const auto policy_option = [&](CLI::App* command) {
    command->add_option("--policy", o->policy, "trust-policy.json: which servers get the key")
        ->required()
        ->type_name("FILE");
  };
  CLI::App* add =
      add_command(app, outcome, "add", "Add a key, and print its recipient", add_new_key, o, true);
  policy_option(add);
  add->add_option("--identity", o->identity, "file with the age identity (default: a new one)")
      ->type_name("FILE");
  add->add_flag("--json", o->json, "print name and recipient as JSON");
  add->footer(kAddFooter);
  policy_option(
      add_command(app, outcome, "policy", "Replace the policy of a key", set_policy, o, true));
  add_command(app, outcome, "list", "List keys, the evidence that they accept, and revocations",
              list_all, o, false)
      ->add_flag("--json", o->json, "print as JSON");
  CLI::App* revoked = add_command(app, outcome, "revoke", "Stop releasing a key", revoke, o, true);
  revoked->add_option("--why", o->why, "reason, shown in refusals and in the log")
      ->required()
      ->type_name("TEXT");
  revoked->footer(
      "Takes effect from the next request on. A running server logs it within\n"
      "seconds, others at their next start. Servers that have the key keep it until they end.");
  add_command(app, outcome, "restore", "Undo a revocation", restore, o, true);
}

}  // namespace cloister
