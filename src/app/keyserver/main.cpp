// cloister-keyserver: holds the keys of bundles, and gives them to servers that show what they are.
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/keyserver/commands.h"
#include "cli/log_options.h"
#include "cli/stop_signal.h"
#include "cli/version.h"
#include "keyserver/key_server.h"

namespace cloister {
namespace {

constexpr const char* kFooter =
    R"('cloister-keyserver COMMAND --help' tells more. The first steps:

  cloister-keyserver add release --keys keys --policy trust-policy.json   # prints age1...
  cloister seal model.onnx --recipient age1... ...                       # a bundle for that key
  cloister-keyserver serve --keys keys --log release.log --listen 0.0.0.0:8444

Exit codes: 0 done or stopped as asked; 1 failed; 2 usage; 3 refused (the log was altered).)";

constexpr const char* kServeFooter =
    R"(A server that asks shows evidence over the TLS connection on which it asks; the policy of
the key decides; what was decided is in the log, on the disk, before the answer is sent.
Keys and policies are read anew for each request: what is changed or revoked counts at
once. The log says which bundle was the latest, and an older one gets no key: keep it, and
keep its head (in this program's own log, and at GET /cloister/v1/key-release/head)
somewhere else, too. Once it listens, one line of JSON on stdout says where.

Whose evidence is refused is in the log, too. So that nobody can fill the disk with that,
--rate and --burst limit how often all of those who ask together may: whoever can reach
this server can use that up, so let none but your own servers reach it.

Without --cert it makes a TLS key of its own at start. Clients need not know it: a false key
server learns no key, and gives none that opens anything.

Examples:
  cloister-keyserver serve --keys keys --log release.log --listen 0.0.0.0:8444
  cloister-keyserver serve --keys keys --log release.log --cert tls.pem --key tls.key --log-json)";

struct ServeOptions {
  serving::KeyServerOptions server;
  std::string cert, key;
  double drain_s = 10;
  LogOptions log;
};

Outcome serve_keys(ServeOptions& o) {
  o.log.start();
  hold_stop_signals();
  if (!o.cert.empty()) {
    TRY(certificate, read_file(o.cert, 1 << 20));
    TRY(key, read_file(o.key, 1 << 20));
    o.server.tls = net::TlsIdentity{certificate, key};
  }
  o.server.tool = std::string("cloister ") + kVersion;
  TRY(server, serving::KeyServer::start(o.server));
  const serving::LogHead head = server->head();
  announce_and_wait(
      {{"port", server->port()}, {"head", fmt::format("{}:{}", head.seq, head.sha256)}});
  server->drain(net::Seconds(o.drain_s));
  const serving::LogHead last = server->head();
  log(LogLevel::kInfo, "stopped", {{"seq", last.seq}, {"head", last.sha256}});
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Holds the keys that bundles are encrypted to, and gives them to servers that prove to be\n"
      "what the owner's policy asks for.");
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
  CLI::App* command = app.add_subcommand("serve", "Answer those who ask for keys");
  command->add_option("--keys", o.server.keys, "folder of the keys ('add' puts them there)")
      ->required()
      ->type_name("DIR");
  command->add_option("--log", o.server.log, "file that releases and refusals are added to")
      ->required()
      ->type_name("FILE");
  command->add_option("--listen", o.server.listen, "where to serve, over TLS 1.3")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  auto* const cert = command->add_option("--cert", o.cert, "PEM certificate")->type_name("FILE");
  auto* const key = command->add_option("--key", o.key, "its PEM key")->type_name("FILE");
  cert->needs(key);
  key->needs(cert);
  command->add_option("--name", o.server.names, "name or address for a certificate of its own")
      ->type_name("NAME")
      ->allow_extra_args(false);
  const auto number = [&](const char* flag, auto& value, const char* help, double least,
                          double most) {
    command->add_option(flag, value, help)
        ->type_name("N")
        ->check(CLI::Range(least, most))
        ->capture_default_str();
  };
  number("--rate", o.server.rate_per_s, "challenges a second, of all who ask", 0.001, 1e6);
  number("--burst", o.server.burst, "challenges that may come at once", 1, 1e6);
  number("--max-connections", o.server.max_connections, "further ones are closed", 1, 1e5);
  number("--max-body", o.server.max_body_bytes, "bytes of a request; audits make it long", 1 << 20,
         2e8);
  number("--drain", o.drain_s, "seconds for requests at hand after SIGTERM", 0, 3600);
  o.log.add_to(*command);
  command->footer(kServeFooter);
  command->callback([options, &outcome] { outcome = serve_keys(*options); });
}

}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister-keyserver", argc, argv, cloister::run);
}
