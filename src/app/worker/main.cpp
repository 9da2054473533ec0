// cloister-worker: the untrusted accelerator process. It has the body, and sees feature maps.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/words.h"
#include "bundle/bundle.h"
#include "cli/log_options.h"
#include "cli/program.h"
#include "cli/read_keys.h"
#include "cli/stop_signal.h"
#include "cli/version.h"
#include "engine/engines.h"
#include "link/echo.h"
#include "worker/echo.h"
#include "worker/worker_server.h"

namespace cloister {
namespace {

constexpr const char* kFooter =
    R"(Speaks the Open Inference Protocol v2 with binary tensors, so any of its clients works.
cloisterd runs the head, sends it the feature map, and checks its replies: it is untrusted.
Once it listens, it prints its port as one line of JSON on stdout.

Examples:
  cloister-worker --bundle m.cloister --signer release.pub --listen 0.0.0.0:8000
  cloister-worker --bundle m.cloister --provider cuda --metrics-listen 127.0.0.1:9101
  cloister-worker --bundle m.cloister --shared-memory /run/cloister/body.sock
  cloister-worker --bundle m.cloister --tls-cert worker.pem --tls-key worker.key

Exit codes: 0 stopped as asked; 1 failed; 2 usage; 3 refused (the signature).)";

struct Options {
  serving::WorkerServerOptions server;
  std::string bundle;
  std::vector<std::string> signers;
  bool echo = false;
  std::string engine{engines().front().name};
  EngineOptions run;
  std::string tls_cert, tls_key;
  double drain_s = 30;
  LogOptions log;
};

// "onnxruntime (what it is) or torch (what it is)"
std::string engines_text() {
  std::vector<std::string> texts;
  for (const EngineInfo& info : engines()) {
    texts.push_back(fmt::format("{} ({})", info.name, info.meaning));
  }
  return or_text(texts);
}

// "for onnxruntime cpu, cuda or tensorrt; for torch cpu or cuda"
std::string providers_text() {
  std::string text;
  for (const EngineInfo& info : engines()) {
    text +=
        fmt::format("{}for {} {}", text.empty() ? "" : "; ", info.name, or_text(info.providers()));
  }
  return text;
}

void add_options(CLI::App& app, Options& o) {
  auto* const bundle =
      app.add_option("--bundle", o.bundle, "the sealed bundle; its plain parts are enough")
          ->type_name("FILE");
  app.add_option("--signer", o.signers,
                 "minisign public key (file or text), one of which must have signed the bundle "
                 "(repeatable); without it, whoever can change the file decides what runs here")
      ->type_name("KEY")
      ->needs(bundle)
      ->allow_extra_args(false);
  app.add_flag("--echo", o.echo,
               "serve no bundle, but a model that computes nothing: for `cloister profile --link`")
      ->excludes(bundle);
  app.add_option("--listen", o.server.listen, "address to serve on")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--shared-memory", o.server.shared_memory,
                 "serve cloisterd on this machine over shared memory too, by a socket at this path "
                 "('cloisterd --worker unix:PATH'); only this user may connect to it")
      ->type_name("PATH");
  app.add_option("--metrics-listen", o.server.metrics_listen, "address for Prometheus metrics")
      ->type_name("HOST:PORT");
  app.add_option("--engine", o.engine, "what runs the body: " + engines_text())
      ->check(CLI::IsMember(engine_names()))
      ->type_name("ENGINE")
      ->capture_default_str();
  app.add_option("--provider", o.run.provider,
                 "what the engine runs on, if the one installed has it: " + providers_text())
      ->check(CLI::IsMember(provider_names()))
      ->type_name("NAME")
      ->capture_default_str();
  auto* const cert = app.add_option("--tls-cert", o.tls_cert, "PEM certificate chain: serve https")
                         ->type_name("FILE");
  auto* const key =
      app.add_option("--tls-key", o.tls_key, "its PEM key")->type_name("FILE")->needs(cert);
  cert->needs(key);
  add_number(app, "--threads", o.run.threads, "threads for one run", 1, 1024);
  add_number(app, "--io-threads", o.server.io_threads, "threads for network input and output", 1,
             1024);
  add_number(app, "--queue", o.server.queue, "requests that may wait; further ones get 503", 1,
             1e6);
  add_number(app, "--batch-delay-us", o.server.batch_delay_us,
             "how long the first request of a batch waits for others", 0, 1e6);
  add_number(app, "--max-body", o.server.max_body_bytes, "largest request in bytes", 1024, 1e10);
  add_number(app, "--deadline", o.server.deadline_s, "seconds that a request may take", 0.001,
             3600);
  add_number(app, "--drain", o.drain_s, "seconds to finish pending requests after SIGTERM", 0,
             3600);
  o.log.add_to(app);
}

Result<std::unique_ptr<Program>> load_body(const Options& o, const bundle::Bundle& bundle,
                                           const std::string& name) {
  TRY(info, find_engine(o.engine));
  TRY(engine, info->make(o.run));
  TRY(segment, bundle.segment(name, {}));
  return engine->load(segment);
}

struct Served {
  std::unique_ptr<Program> program;
  TensorSpecs specs;
};

// The untrusted segment of the bundle.
Result<Served> open_bundle(Options& o) {
  TRY(signers, read_signers(o.signers));
  TRY(bundle, bundle::Bundle::open(o.bundle, signers, 0));
  if (signers.empty()) log(LogLevel::kWarn, "signature not checked", {{"why", "no --signer"}});
  const bundle::Manifest& manifest = bundle.manifest();
  const SegmentInfo* const body = bundle::find_segment(manifest, Placement::kUntrusted);
  if (body == nullptr) {
    return fail(Kind::kUsage, "bundle '{}': its plan is all trusted, there is nothing for a worker",
                printable(o.bundle, 400));
  }
  o.server.engine = o.engine;
  o.server.model = manifest.model_name;
  o.server.version = std::to_string(manifest.version);
  o.server.segment_sha256 = bundle::segment_sha256(manifest, *body);
  o.server.max_batch = manifest.max_batch;
  auto program = load_body(o, bundle, body->name);
  if (!program) return with_context(program.error(), body->name);
  return Served{std::move(*program), {body->inputs, body->outputs}};
}

Served open_echo(Options& o) {
  o.server.engine = "none";
  o.server.model = kEchoModel;
  o.server.version = "1";
  return {serving::echo_program(), echo_specs()};
}

Outcome serve_body(Options& o) {
  o.log.start();
  hold_stop_signals();
  if (o.bundle.empty() && !o.echo)
    return fail(Kind::kUsage, "--bundle is required, or --echo; see 'cloister-worker --help'");
  Result<Served> served = o.echo ? open_echo(o) : open_bundle(o);
  if (!served) return std::unexpected(served.error());
  if (!o.tls_cert.empty()) {
    TRY(certificate, read_file(o.tls_cert, 1 << 20));
    TRY(key, read_file(o.tls_key, 1 << 20));
    o.server.tls = net::TlsIdentity{certificate, key};
  }
  o.server.tool = std::string("cloister ") + kVersion;
  TRY(server, serving::WorkerServer::start(std::move(served->program), served->specs.inputs,
                                           served->specs.outputs, o.server));
  log(LogLevel::kInfo, "serving",
      {{"listen", o.server.listen}, {"port", server->port()}, {"model", o.server.model}});
  announce_and_wait({{"port", server->port()}, {"metrics_port", server->metrics_port()}});
  server->drain(serving::Seconds(o.drain_s));
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Runs the untrusted part of a sealed model, the body, for cloisterd: on the accelerator\n"
      "that must not see inputs.");
  app.name("cloister-worker");
  set_help_layout(app);
  app.set_version_flag("--version", std::string("cloister-worker ") + kVersion,
                       "print the version");
  add_options(app, options);
  app.footer(kFooter);
  return parse_and_run(app, "cloister-worker", argc, argv, [&] { return serve_body(options); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister-worker", argc, argv, cloister::run);
}
