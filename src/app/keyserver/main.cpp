// cloister-keyserver: holds the keys of bundles, and gives them to servers that show what they are.
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/keyserver/commands.h"
#include "cli/guard_process.h"
#include "cli/log_options.h"
#include "cli/read_keys.h"
#include "cli/sandbox.h"
#include "cli/stop_signal.h"
#include "cli/version.h"
#include "keyserver/key_server.h"

namespace cloister {
namespace {

constexpr const char* kFooter =
    R"('cloister-keyserver COMMAND --help' has the details. First steps:

  cloister-keyserver add release --keys keys --policy trust-policy.json   # prints age1...
  cloister seal model.onnx --recipient age1... ...                       # a bundle for that key
  cloister-keyserver serve --keys keys --log release.log --listen 0.0.0.0:8444

Exit codes: 0 done or stopped as asked; 1 failed; 2 usage; 3 refused (the log was altered).)";

constexpr const char* kServeFooter =
    R"(A server shows evidence over the TLS connection on which it requests a key; the key's
policy decides; the decision is in the log, on the disk, before the answer is sent.
Keys and policies are read anew for each request, so changes and revocations apply at
once. The log records the latest bundle, and older ones get no key: keep the log, and
keep its head (in this program's own log, and at GET /cloister/v1/key-release/head)
somewhere else too. Once it listens, it prints its port as one line of JSON on stdout.

Refusals are logged too. So that they cannot fill the disk, --rate and --burst limit
the requests of all clients together. Anyone who can reach this server can use up that
limit, so let only your own servers reach it.

On SIGHUP it reads --cert and --key again, and new connections get them; a log that was moved
away is continued in a new file at its path.

Without --cert it makes its own TLS key at start. Clients need not know that key: a false key
server learns no key, and cannot provide one that opens the bundle.

Examples:
  cloister-keyserver serve --keys keys --log release.log --listen 0.0.0.0:8444
  cloister-keyserver serve --keys keys --log release.log --cert tls.pem --key tls.key --log-json)";

struct ServeOptions {
  serving::KeyServerOptions server;
  std::string cert, key;
  std::string sandbox = "auto";
  double drain_s = 10;
  LogOptions log;
};

// At SIGHUP. One that can't be used is logged, and the server goes on with what it has.
void reload_certificate(const ServeOptions& o, serving::KeyServer& server) {
  if (o.cert.empty()) return;
  Result<> done;
  if (auto identity = read_tls_identity(o.cert, o.key)) {
    done = server.replace_certificate(std::move(*identity));
  } else {
    done = std::unexpected(identity.error());
  }
  if (done) return log(LogLevel::kInfo, "certificate replaced", {{"file", o.cert}});
  log(LogLevel::kWarn, "not read again", {{"kept", "certificate"}, {"why", done.error().message}});
}

// At SIGHUP, for whoever has moved the log away.
void reopen_log(serving::KeyServer& server) {
  const auto done = server.reopen_log();
  if (!done) {
    return log(LogLevel::kWarn, "log not reopened",
               {{"kept", "the file that it has"}, {"why", done.error().message}});
  }
  const serving::LogHead head = server.head();
  if (*done) log(LogLevel::kInfo, "log continued", {{"seq", head.seq}, {"head", head.sha256}});
}

// The log grows and is made anew beside itself; keys are added by others.
Result<> enter_sandbox(const ServeOptions& o) {
  TRY(mode, parse_sandbox_mode(o.sandbox));
  SandboxNeeds needs{.reads = {o.server.keys},
                     .writes = {fs::absolute(o.server.log).parent_path()}};
  for (const std::string& path : {o.cert, o.key}) {
    if (!path.empty()) needs.reads.push_back(fs::absolute(path).parent_path());
  }
  TRY_OK(enter_sandbox(mode, needs));
  return {};
}

Outcome serve_keys(ServeOptions& o) {
  o.log.start();
  hold_stop_signals();
  hold_hangups();
  tell_of_guards();
  constexpr uint64_t kOwnDescriptors = 64;
  TRY_OK(need_descriptors(o.server.max_connections, kOwnDescriptors));
  if (!o.cert.empty()) {
    TRY(identity, read_tls_identity(o.cert, o.key));
    o.server.tls = std::move(identity);
  }
  TRY_OK(enter_sandbox(o));
  o.server.tool = std::string("cloister ") + kVersion;
  TRY(server, serving::KeyServer::start(std::move(o.server)));
  const serving::LogHead head = server->head();
  announce_and_wait(
      {{"port", server->port()}, {"head", fmt::format("{}:{}", head.seq, head.sha256)}}, [&] {
        reload_certificate(o, *server);
        reopen_log(*server);
      });
  server->drain(net::Seconds(o.drain_s));
  const serving::LogHead last = server->head();
  log(LogLevel::kInfo, "stopped", {{"seq", last.seq}, {"head", last.sha256}});
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Holds the keys of encrypted bundles, and releases them to servers that prove to meet\n"
      "the owner's policy.");
  app.name("cloister-keyserver");
  set_help_layout(app);
  app.set_version_flag("--version", std::string("cloister-keyserver ") + kVersion,
                       "print the version");
  app.require_subcommand(1);
  Outcome outcome = 0;
  add_serve_command(app, outcome);
  add_key_commands(app, outcome);
  add_log_command(app, outcome);
  // Only now: commands would inherit it.
  app.footer(kFooter);
  const auto commands = app.get_subcommands([](CLI::App*) { return true; });
  std::string who = "cloister-keyserver";
  for (CLI::App* command : commands) {
    command->group("Commands");
    if (argc > 1 && command->get_name() == argv[1]) who += " " + command->get_name();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_program(app, who, error);
  }
  return end_program(who, std::move(outcome));
}

}  // namespace

void add_serve_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<ServeOptions>();
  ServeOptions& o = *options;
  CLI::App* command = app.add_subcommand("serve", "Answer requests for keys");
  command->add_option("--keys", o.server.keys, "folder of the keys ('add' writes them)")
      ->required()
      ->type_name("DIR");
  command->add_option("--log", o.server.log, "log file of releases and refusals")
      ->required()
      ->type_name("FILE");
  command->add_option("--listen", o.server.listen, "address to serve on, over TLS 1.3")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  auto* const cert = command->add_option("--cert", o.cert, "PEM certificate")->type_name("FILE");
  auto* const key = command->add_option("--key", o.key, "its PEM key")->type_name("FILE");
  cert->needs(key);
  key->needs(cert);
  command->add_option("--name", o.server.names, "name or address in the certificate that it makes")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_number(*command, "--rate", o.server.rate_per_s, "challenges per second, over all clients",
             0.001, 1e6);
  add_number(*command, "--burst", o.server.burst,
             "challenges allowed at once before --rate applies", 1, 1e6);
  add_number(*command, "--max-connections", o.server.max_connections,
             "most connections; further ones are closed", 1, 1e5);
  add_number(*command, "--max-body", o.server.max_body_bytes,
             "largest request in bytes; audits make requests long", 1 << 20, 2e8);
  add_number(*command, "--drain", o.drain_s, "seconds to finish pending requests after SIGTERM", 0,
             3600);
  command->add_option("--sandbox", o.sandbox, kSandboxHelp)
      ->type_name("MODE")
      ->capture_default_str();
  o.log.add_to(*command);
  command->footer(kServeFooter);
  command->callback([options, &outcome] { outcome = serve_keys(*options); });
}

}  // namespace cloister

int main(int argc, char** argv) {
  cloister::guard_process();
  return cloister::run_guarded("cloister-keyserver", argc, argv, cloister::run);
}
