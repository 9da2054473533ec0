// serve_load: asks a server as fast as it answers, and checks every answer.
#include "bench/serve_load/engine_rounds.h"
#include "bench/serve_load/load.h"
#include "bench/serve_load/seal.h"
#include "cli/program.h"
#include "engine/onnxruntime.h"

namespace cloister {
namespace {

using bench::Round;

constexpr const char* kFooter =
    R"(Rounds: 'ask' does one, as its flags say, unless --rounds; 'engine', and 'ask' with
--rounds, do one for each line of JSON on stdin, and answer each with a line, so that
programs which are loaded and connected can take turns:
  {"connections":32,"seconds":2,"warmup_s":0.5}     {"whole":false,"seconds":1}

What 'ask' prints: requests = ok + wrong + lost + errors by HTTP status. wrong: a 200
whose outputs are not what the whole model gives, or with another request's id; lost:
neither answer nor error (connection lost, or --limit passed). latency_ms and
per_second are of successes after the warm-up; the timelines are of completions in
each 100 ms since began_monotonic_s (CLOCK_MONOTONIC).

Examples:
  serve_load seal resnet50.onnx --cut 14% -o DIR
  serve_load ask https://127.0.0.1:8443 --model resnet50.onnx --connections 32 --seconds 10
  echo '{"seconds":2}' | serve_load engine resnet50.onnx

Exit codes: 0 done; 1 failed, or a wrong answer; 2 usage.)";

struct AskFlags {
  std::string url;
  std::string model;
  size_t inputs = 6;
  int64_t batch = 1;
  uint64_t seed = 1;
  bool rounds = false;
  bench::LoadOptions load;
};

Outcome ask(AskFlags flags, const Round& round) {
  TRY(url, net::parse_url(flags.url));
  flags.load.url = std::move(url);
  std::vector<bench::Case> cases;
  {
    TRY(opened, bench::open_model(flags.model));
    TRY(engine, make_onnxruntime());
    TRY(whole, load_cut_model(*engine, opened.graph));
    TRY(made,
        bench::make_cases(whole, flags.inputs, flags.batch, flags.seed, flags.load.tolerance));
    cases = std::move(made);
  }
  bench::Load load(flags.load, cases);
  uint64_t wrong = 0;
  const auto run = [&](const Round& asked) -> Result<nlohmann::json> {
    TRY(report, load.run(asked));
    wrong += report["wrong"].get<uint64_t>();
    return std::move(report);
  };
  if (flags.rounds) {
    fmt::print("{{\"ready\":true}}\n");
    std::fflush(stdout);
    TRY_OK(bench::for_each_line(round, run));
  } else {
    TRY(report, run(round));
    fmt::print("{}\n", report.dump(2));
  }
  return wrong == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  CLI::App app("Asks a server as fast as it answers, and checks every answer.");
  app.name("serve_load");
  set_help_layout(app);
  app.require_subcommand(1);
  app.footer(kFooter);
  Outcome outcome = 0;
  Round round;

  AskFlags asks;
  CLI::App* const ask_command = app.add_subcommand("ask", "Put a server under load");
  ask_command->add_option("URL", asks.url, "https://HOST:PORT; simulated servers are accepted")
      ->required();
  ask_command->add_option("--model", asks.model, "the whole model, which says what is right")
      ->required()
      ->type_name("FILE");
  const auto number = [](CLI::App* command, const char* flag, auto& value, const char* help,
                         double least, double most) {
    command->add_option(flag, value, help)
        ->type_name("N")
        ->check(CLI::Range(least, most))
        ->capture_default_str();
  };
  number(ask_command, "--connections", round.connections, "each with a thread", 1, 4096);
  number(ask_command, "--seconds", round.seconds, "of load", 0.01, 1e6);
  number(ask_command, "--warmup", round.warmup_s, "seconds that rates leave out", 0, 1e6);
  number(ask_command, "--inputs", asks.inputs, "different ones, taken in turn", 1, 1000);
  number(ask_command, "--batch", asks.batch, "items of each request", 1, 1024);
  number(ask_command, "--limit", asks.load.limit_s, "seconds after which it is lost", 0.01, 1e6);
  number(ask_command, "--retry", asks.load.retry_s, "seconds to wait after an error", 0, 1e3);
  number(ask_command, "--tolerance", asks.load.tolerance, "share of the largest value", 0, 1);
  ask_command->add_flag("--rounds", asks.rounds, "take rounds from stdin");
  ask_command->callback([&] { outcome = ask(asks, round); });

  bench::EngineFlags engine;
  CLI::App* const engine_command =
      app.add_subcommand("engine", "Run the model in this process, in rounds from stdin");
  engine_command->add_option("MODEL", engine.model, "ONNX file")->required();
  engine_command->add_option("--cut", engine.cut, "also as two segments, for {\"whole\":false}");
  number(engine_command, "--batch", engine.batch, "items of a run", 1, 1024);
  number(engine_command, "--threads", engine.threads, "for a run", 1, 1024);
  engine_command->callback([&] {
    const auto done = bench::run_engine(engine, Round{});
    outcome = done ? Outcome(0) : std::unexpected(done.error());
  });

  bench::SealFlags seals;
  CLI::App* const seal_command =
      app.add_subcommand("seal", "Make a bundle of any cut, audited or not: m.cloister, key.txt");
  seal_command->add_option("MODEL", seals.model, "ONNX file")->required();
  seal_command->add_option("--cut", seals.cut, "an id, a tensor, or a share of the MACs: 13%")
      ->required();
  seal_command->add_option("-o,--output", seals.folder, "folder, which exists")->required();
  seal_command->add_option("--name", seals.name, "of the model")->capture_default_str();
  number(seal_command, "--max-batch", seals.max_batch, "items", 1, 1024);
  seal_command->callback([&] {
    const auto done = bench::seal_for_bench(seals);
    outcome = done ? Outcome(0) : std::unexpected(done.error());
  });
  return parse_and_run(app, "serve_load", argc, argv, [&] { return outcome; });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("serve_load", argc, argv, cloister::run);
}
