#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options/trust.h"
#include "cli/log_options.h"
#include "cli/stop_signal.h"
#include "client/proxy.h"
#include "serving/address.h"

namespace cloister {
namespace {

struct ProxyCommandOptions {
  TrustOptions trust;
  std::string listen = "127.0.0.1:8000";
  serving::ProxyOptions proxy;
  double limit_s = 60;
  double reverify_s = 900;
  double drain_s = 10;
  LogOptions log;
};

Outcome run_proxy(ProxyCommandOptions& o) {
  o.log.start();
  hold_stop_signals();
  TRY(address, serving::parse_address(o.listen));
  TRY(trust, o.trust.read());
  o.proxy.server = std::move(trust.url);
  o.proxy.verify = std::move(trust.verify);
  o.proxy.token = std::move(trust.token);
  o.proxy.listen_host = address.host;
  o.proxy.listen_port = address.port;
  o.proxy.limit = net::Seconds(o.limit_s);
  o.proxy.verify_every = net::Seconds(o.reverify_s);
  TRY(proxy, serving::Proxy::start(o.proxy));
  warn_about(proxy->facts());
  announce_and_wait({{"port", proxy->port()},
                     {"evidence", attest::to_string(proxy->facts().environment->kind)},
                     {"model", proxy->facts().manifest.model_name}});
  proxy->drain(net::Seconds(o.drain_s));
  return 0;
}

}  // namespace

void add_proxy_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<ProxyCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "proxy", "Offer a verified server to ordinary clients as a plain local endpoint");
  options->trust.add_to(*command);
  command
      ->add_option("--listen", options->listen,
                   "address for ordinary Open Inference Protocol v2 clients, in plain HTTP: "
                   "keep it on this machine")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command
      ->add_option(
          "--allow-host", options->proxy.hosts,
          "a further name, or NAME:PORT, by which clients reach it, beyond localhost and the "
          "address that it listens on; requests to other names are refused, since a web page "
          "may have sent them (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--connections", options->proxy.connections,
                   "most verified connections, opened on demand and then kept")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--timeout", options->limit_s, "seconds to wait for an answer")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 86400.0));
  command
      ->add_option("--reverify", options->reverify_s,
                   "seconds after which a connection is verified again")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 1e6));
  command
      ->add_option("--max-body", options->proxy.max_body_bytes,
                   "largest request in bytes; should be at least the server's limit")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1024.0, 1e10));
  command
      ->add_option("--queue", options->proxy.queue,
                   "requests that may wait for a connection; further ones get 503")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--drain", options->drain_s, "seconds to finish pending requests after SIGTERM")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  options->log.add_to(*command);
  command->footer(
      "Once it listens, it prints its port as one line of JSON on stdout. SIGTERM ends it.\n\n"
      "Example:\n"
      "  cloister proxy https://host:8443 --policy p.json --listen 127.0.0.1:8000 &\n"
      "  curl -d @request.json http://127.0.0.1:8000/v2/models/resnet50/infer");
  command->callback([options, &outcome] { outcome = run_proxy(*options); });
}

}  // namespace cloister
