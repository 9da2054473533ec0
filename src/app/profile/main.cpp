// cloister-profile: measures what each cut of a model costs on this machine. `cloister profile`
// starts it.
#include <fmt/format.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <boost/process/child.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>
#include <charconv>
#include <thread>

#include "app/options/model.h"
#include "app/profile/devices.h"
#include "app/profile/table.h"
#include "base/folder.h"
#include "cli/background.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "cli/scratch.h"
#include "cli/text.h"
#include "cli/version.h"
#include "link/echo.h"
#include "link/endpoint.h"
#include "profile/memory.h"
#include "profile/profile.h"

namespace cloister {
namespace {

using profile::Memory;
using profile::ProfileRecord;

// The program starts itself with this for profile::memory_to_run.
constexpr std::string_view kMemoryOf = "--memory-of";

constexpr const char* kFooter =
    R"(Measures some cuts directly, spread over the model's time, each in turn with the
whole model, and interpolates the others between them along ONNX Runtime's profile.
Measures a few more cuts to find the interpolation error. Run nothing else meanwhile.
Trusted memory is the peak growth of a process that loads and runs the head, weights,
activations and engine included. docs/formats/profile.md describes the file.

Examples:
  cloister profile model.onnx
  cloister profile model.onnx --threads 1 --cores 0 --epc 128M -o profile.json
  cloister profile model.onnx --batch 8 --link http://gpu:8000 --anchors 12
  cloister profile model.onnx --link shared-memory

Exit codes: 0 done; 1 failed; 2 usage; 130 or 143 stopped by a signal.)";

// Words for --link: a worker is started here, and reached so.
constexpr const char* kOverHttp = "http";
constexpr const char* kOverMemory = "shared-memory";

struct Options {
  ModelOptions model;
  std::string output, cores, devices, measure, epc;
  std::string link = kOverHttp;
  profile::ProfileOptions profile;
  bool json = false;
};

// "96M", "1.5G", "100000"
Result<uint64_t> parse_bytes(std::string_view flag, std::string_view text) {
  double number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const std::string_view unit(end, static_cast<size_t>(last - end));
  double scale = 0;
  if (unit.empty()) scale = 1;
  if (unit == "K" || unit == "KiB") scale = 1024;
  if (unit == "M" || unit == "MiB") scale = 1024.0 * 1024;
  if (unit == "G" || unit == "GiB") scale = 1024.0 * 1024 * 1024;
  if (error != std::errc() || scale == 0 || !(number > 0) || number * scale > 1e15) {
    return fail(Kind::kUsage, "{}: '{}', want a number of bytes such as 96M", flag,
                printable(text, 40));
  }
  return static_cast<uint64_t>(number * scale);
}

Result<> pin(const std::string& list, std::vector<int64_t>& cores) {
  if (list.empty()) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::string& name : names_in(list)) {
    int core = -1;
    const char* const last = name.data() + name.size();
    if (std::from_chars(name.data(), last, core) != std::from_chars_result{last, {}} || core < 0 ||
        core >= CPU_SETSIZE) {
      return fail(Kind::kUsage, "--cores: '{}', want numbers of cores such as 0,1",
                  printable(list, 40));
    }
    CPU_SET(core, &set);
    cores.push_back(core);
  }
  if (::sched_setaffinity(0, sizeof(set), &set) == 0) return {};
  return fail(Kind::kUsage, "--cores {}: this machine (or container) has no such cores to use",
              printable(list, 40));
}

// A link to a worker with the echo model, and that worker where it was started for this.
struct OpenLink {
  std::optional<Background> worker;
  std::unique_ptr<Link> link;
  std::string name;
};

// The very link that serves, to a worker in a process of its own.
Result<OpenLink> open_link(const std::string& given, const fs::path& folder) {
  OpenLink open{.worker = {}, .link = {}, .name = given};
  Endpoint endpoint{.url = {.host = "127.0.0.1"}, .socket = {}};
  if (given == kOverHttp || given == kOverMemory) {
    const std::string socket = (folder / "worker.sock").string();
    TRY(worker, Background::start(program_beside("cloister-worker"),
                                  {"--echo", "--listen", "127.0.0.1:0", "--shared-memory", socket},
                                  folder, "worker.log"));
    open.worker.emplace(std::move(worker));
    endpoint.url.port = static_cast<uint16_t>(open.worker->port());
    if (given == kOverMemory) endpoint.socket = socket;
  } else {
    auto parsed = typed(parse_endpoint(given));
    if (!parsed) return with_context(parsed.error(), "--link");
    endpoint = std::move(*parsed);
    open.name = endpoint_name(endpoint);
  }
  open.link = make_link(endpoint, {.model = kEchoModel}, echo_specs());
  if (auto there = open.link->probe(Seconds(5)); !there) {
    return with_context(there.error(), fmt::format("--link {}", printable(given, 200)));
  }
  return open;
}

// Loads and runs the model in a process made for it.
Result<Memory> spawn_memory_of(const Model& model, const Options& options, const fs::path& folder) {
  namespace bp = boost::process;
  const fs::path file = folder / "segment.onnx";
  TRY_OK(write_model(model, file, 0));
  std::error_code code;
  bp::ipstream out;
  bp::child child("/proc/self/exe", std::string(kMemoryOf), file.string(),
                  std::to_string(options.profile.settings.batch),
                  std::to_string(options.model.threads), bp::std_out > out, code);
  if (code) return fail(Kind::kIo, "can't start '/proc/self/exe': {}", code.message());
  Memory memory;
  out >> memory.peak >> memory.resident;
  child.wait(code);
  if (code || child.exit_code() != 0 || !out) {
    return fail(Kind::kIo, "the process that measures memory ended with code {}",
                child.exit_code());
  }
  return memory;
}

// "--memory-of FILE BATCH THREADS": two numbers on stdout.
Outcome print_memory(char** argv) {
  TRY(memory, profile::memory_to_run(argv[2], std::atoll(argv[3]), std::atoi(argv[4])));
  fmt::print("{} {}\n", memory.peak, memory.resident);
  return 0;
}

Outcome run(Options& options) {
  profile::Settings& settings = options.profile.settings;
  TRY_OK(pin(options.cores, settings.cores));
  if (!options.epc.empty()) {
    TRY(limit, parse_bytes("--epc", options.epc));
    settings.trusted_limit_bytes = limit;
  }
  settings.threads = options.model.threads;
  watch_interrupts();
  TRY(devices, open_devices(names_in(options.devices), options.model.threads));
  TRY(file, read_model(options.model));
  if (settings.batch > 1 && has_batch_of_one(file)) options.model.dynamic_batch = true;
  TRY(model, open_model(std::move(file), options.model));
  TRY(also, find_cuts(model, names_in(options.measure)));
  for (const Cut& cut : also) options.profile.also.push_back(cut.id);
  TRY(scratch, Scratch::make("cloister-profile"));
  options.profile.folder = scratch.path();
  TRY(link, open_link(options.link, scratch.path()));
  options.profile.link = link.link.get();
  options.profile.link_name = link.name;

  // Before minutes are spent on what goes there.
  if (!options.output.empty()) TRY_OK(make_folder_of(options.output));
  ProfileRecord frame;
  frame.tool = std::string("cloister ") + kVersion;
  frame.machine = machine_text();
  frame.public_inputs = options.model.public_inputs;
  frame.model_file = fs::path(options.model.path).filename().string();
  frame.model_sha256 = model.graph.model.file_sha256;
  Progress progress("profile", stderr);
  const profile::ProgressCallback tick = [&](double share, const std::string& text) -> Result<> {
    if (interrupted()) return fail(Kind::kIo, "stopped");
    progress.update(share, text);
    return {};
  };
  const profile::MemoryProbe memory_of = [&](const Model& segment) {
    return spawn_memory_of(segment, options, scratch.path());
  };
  const auto record = profile_model(model.graph, model.cuts, std::move(devices.engines),
                                    options.profile, memory_of, std::move(frame), tick);
  progress.finish();
  if (!record) {
    if (!interrupted()) return std::unexpected(record.error());
    fmt::print(stderr, "cloister profile: {}\n", record.error().message);
    return interrupt_exit_code();
  }
  if (!options.output.empty()) TRY_OK(write_file(options.output, profile_json(*record)));
  fmt::print("{}", options.json ? profile_json(*record) : profile_text(*record));
  return 0;
}

void declare(CLI::App& app, Options& o) {
  set_help_layout(app);
  app.footer(kFooter);
  profile::ProfileOptions& p = o.profile;
  p.settings.rounds = 15;
  o.model.add_to(app);
  app.add_option("-o,--output", o.output, "write profile.json here")->type_name("FILE");
  app.add_flag("--json", o.json, "print profile.json to stdout instead of a table");

  constexpr const char* kWhat = "What is measured";
  app.add_option("--batch", p.settings.batch, "inputs in one run")
      ->type_name("N")
      ->group(kWhat)
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  o.model.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  app.add_option("--threads", o.model.threads, "threads for one run (default: all cores)")
      ->type_name("N")
      ->group(kWhat)
      ->check(CLI::Range(1, 1024));
  app.add_option("--cores", o.cores, "pin all threads to these cores")
      ->type_name("0,1")
      ->group(kWhat);
  app.add_option("--devices", o.devices,
                 fmt::format("devices for bodies: some of {} (default: all on this machine)",
                             fmt::join(device_names(), ", ")))
      ->type_name("A,B")
      ->group(kWhat);
  app.add_option("--link", o.link,
                 "the worker to measure the link to, which runs `cloister-worker --echo`; or http "
                 "or shared-memory: one that is started here")
      ->type_name("URL|unix:PATH|http|shared-memory")
      ->capture_default_str()
      ->group(kWhat);
  app.add_option("--epc", o.epc, "available trusted memory; cuts that need more are marked")
      ->type_name("96M")
      ->group(kWhat);

  constexpr const char* kHow = "How well";
  app.add_option("--anchors", p.anchors, "number of cuts to measure directly")
      ->type_name("N")
      ->group(kHow)
      ->capture_default_str()
      ->check(CLI::Range(2, 100000));
  app.add_option("--measure", o.measure, "further cuts to measure, as `inspect` names them")
      ->type_name("A,B")
      ->group(kHow);
  app.add_option("--checks", p.checks, "number of cuts to measure for the interpolation error")
      ->type_name("N")
      ->group(kHow)
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app.add_option("--rounds", p.settings.rounds, "runs per median")
      ->type_name("N")
      ->group(kHow)
      ->capture_default_str()
      ->check(CLI::Range(3, 10000));
  app.add_option("--seed", p.settings.seed, "seed of the inputs and of the order of runs")
      ->type_name("N")
      ->group(kHow)
      ->capture_default_str();
}

int main_with(int argc, char** argv) {
  const std::string who = "cloister profile";
  if (argc == 5 && argv[1] == kMemoryOf) return end_program(who, print_memory(argv));
  Options options;
  CLI::App app("Measure what each cut costs on this machine: time, memory, bytes that cross", who);
  declare(app, options);
  return parse_and_run(app, who, argc, argv, [&] { return run(options); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister profile", argc, argv, cloister::main_with);
}
