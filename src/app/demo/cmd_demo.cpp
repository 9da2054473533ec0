// All of Cloister on a small network that it brings along: each step is a command that the user
// could have typed, and is shown as one.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "app/commands.h"
#include "app/demo/assets.h"
#include "app/demo/serving.h"
#include "audit/record.h"
#include "base/bytes_text.h"
#include "cli/background.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "plan/plan.h"

namespace cloister {
namespace {

using audit::AuditRecord;
using demo::headline;
using demo::run;
using plan::Candidate;
using plan::Plan;

// Marks a folder as the demonstration's, which may be made anew.
constexpr const char* kMarker = ".cloister-demo";
constexpr const char* kPictures = "2560";
constexpr const char* kPicture = "pictures/star/00006.png";  // one of them
const std::vector<std::string> kAsked = {kPicture, "pictures/heart/00002.png"};
// From what still is the picture to what hardly is one: behind the first convolution, the second
// activation and the narrow third.
constexpr const char* kCuts = "c22bf3e,c974cc1,cdc0547";
// What the machine of a renter of GPUs might be, by its data sheet: 60 TFLOP/s, 2 TB/s of memory,
// behind a link of 10 GB/s and 20 us.
constexpr const char* kGpu = "gpu=flops=60e12,bytes=2e12,link=10e9,latency=20e-6";

Result<> prepare(const fs::path& folder) {
  std::error_code code;
  if (fs::exists(folder, code) && !fs::is_empty(folder, code) && !fs::exists(folder / kMarker)) {
    return fail(Kind::kUsage,
                "'{}' exists and was not made by the demo; give another folder with -o",
                printable(folder.string()));
  }
  fs::remove_all(folder, code);
  fs::create_directories(folder, code);
  if (code) {
    return fail(Kind::kIo, "can't make '{}': {}", printable(folder.string()), code.message());
  }
  TRY_OK(write_file(folder / kMarker, ""));
  TRY_OK(write_file(folder / "model.onnx", asset_demo_model()));
  TRY_OK(write_file(folder / "preprocess.json", asset_demo_preprocess()));
  return write_file(folder / "labels.txt", asset_demo_labels());
}

std::string times_text(double ratio) {
  return ratio >= 1 ? fmt::format("{:.1f}x as fast", ratio)
                    : fmt::format("{:.1f}x as slow", 1 / ratio);
}

const Candidate* reference(const Plan& made, bool (*is_kind)(const Candidate&),
                           const std::string& device) {
  const auto found = std::ranges::find_if(made.candidates, [&](const Candidate& candidate) {
    return is_kind(candidate) && candidate.device == device;
  });
  return found == made.candidates.end() ? nullptr : &*found;
}

std::string leakage_text(const audit::CutRecord& cut) {
  if (!cut.verdict || !cut.verdict->scored) return "";
  return fmt::format("  after {:>3.0f} % of the work: {:.2f}   {}{}\n", 100 * cut.macs_share,
                     cut.verdict->leakage.value, audit::to_string(cut.verdict->outcome),
                     cut.probe ? fmt::format("; the shape can be named in {:.0f} % of cases",
                                             100 * cut.probe->probe.accuracy)
                               : "");
}

// What was found, for a newcomer.
std::string summary(const AuditRecord* audit, const Plan& made) {
  const Candidate& choice = made.choice();
  std::string out;
  if (audit != nullptr) {
    out +=
        "How well attackers rebuilt pictures from the feature map (1: perfectly), on pictures "
        "that\n"
        "they had not seen:\n";
    for (const audit::CutRecord& cut : audit->cuts) out += leakage_text(cut);
    for (const audit::CutRecord& cut : audit->cuts) {
      if (!cut.verdict) continue;
      out += fmt::format("  without any feature map: {:.2f}\n\n", cut.verdict->floor);
      break;
    }
  }
  if (!has_cut(choice))
    return out + "No cut resisted at this budget: the whole model stays trusted.\n";
  out +=
      "The feature map always shows what the rest of the network needs: here the shapes, but\n"
      "hardly their colours and patterns. Your policy decides whether that is acceptable; look at "
      "the\n"
      "pictures in the report.\n\n";
  out += fmt::format(
      "The plan cuts at {}: the layers before it run in the trusted environment, the "
      "rest on the\naccelerator, which never gets the pictures.",
      cuts_text(choice));
  const Candidate* const trusted = reference(made, plan::is_all_trusted, "");
  const Candidate* const untrusted = reference(made, plan::is_all_untrusted, choice.device);
  if (trusted != nullptr && untrusted != nullptr) {
    out += fmt::format(
        " That is {} as the whole model\ntrusted, and {} as the whole model untrusted{}.",
        times_text(trusted->latency_ms / choice.latency_ms),
        times_text(untrusted->latency_ms / choice.latency_ms),
        choice.modelled ? " (the GPU is modelled from its data sheet)" : "");
  }
  return out + "\n";
}

std::string serving_summary(const demo::Served& served) {
  const std::string exactness = served.largest_difference == 0
                                    ? "digit for digit"
                                    : fmt::format("to within {:.0e}", served.largest_difference);
  std::string out = fmt::format(
      "\nThe model is sealed in model.cloister: {} can't be read without key.txt, and any change\n"
      "to it is detected. A client that knows nothing of Cloister queried it through the "
      "proxy\nand got the whole model's answers, {}.",
      served.split ? "its head" : "it", exactness);
  if (served.split) {
    out += fmt::format(
        " For each picture of {} the worker received a\nfeature map of {}, never the picture.",
        bytes_text(served.picture_bytes), bytes_text(served.bytes_across));
  }
  return out +
         "\nThere was no trusted environment: the server was simulated, and its host could have "
         "seen\nthe inputs. Clients refuse a simulated server unless their policy accepts it.\n";
}

// The audit needs LibTorch, which a build may be without.
Result<std::optional<AuditRecord>> audit_cuts(const demo::Options& options) {
  std::error_code code;
  if (!fs::exists(program_beside("cloister-audit"), code)) {
    fmt::print(
        "This build lacks LibTorch, which the attackers need: nothing is audited, so\n"
        "no cut qualifies.\n");
    return std::nullopt;
  }
  TRY_OK(run(options, {"audit", "model.onnx", "--data", "pictures", "--size", "32", "--preprocess",
                       "preprocess.json", "--cuts", kCuts, "--attackers",
                       "inverse-net,cgan,retrieval", "--budget", "quick", "-o", "audit"}));
  TRY(record, audit::read_record(fs::path(options.folder) / "audit/audit.json"));
  return record;
}

Outcome show_all(const demo::Options& options) {
  const auto began = std::chrono::steady_clock::now();
  const fs::path folder = options.folder;
  TRY_OK(prepare(folder));
  fmt::print(
      "A small network that recognises shapes, trained on other pictures than the ones drawn\n"
      "here, is in {}/. Where can it be cut so that an accelerator does most of the\n"
      "work, and yet does not see the pictures?\n",
      printable(folder.string()));

  headline("1. The possible cuts");
  TRY_OK(run(options, {"inspect", "model.onnx"}));
  headline("2. What each costs on this machine");
  TRY_OK(run(options, {"profile", "model.onnx", "--devices", "onnxruntime-cpu", "--measure", kCuts,
                       "-o", "profile.json"}));
  headline("3. What each leaks: attackers are trained to rebuild pictures (minutes)");
  TRY_OK(run(options, {"pictures", "pictures", "--count", kPictures, "--seed", "1"}));
  TRY(audit, audit_cuts(options));
  headline("4. The plan, with the body on a rented GPU");
  std::vector<std::string> planning = {"plan",     "model.onnx", "--profile", "profile.json",
                                       "--device", kGpu,         "-o",        "plan.json"};
  if (audit) planning.insert(planning.begin() + 4, {"--audit", "audit/audit.json"});
  TRY(planned, demo::start(options, planning));
  constexpr int kNoSafeCut = 3;
  if (planned != 0 && planned != kNoSafeCut) {
    return fail(Kind::kIo, "'cloister plan' ended with exit code {}", planned);
  }
  TRY(made, plan::read_plan(folder / "plan.json"));
  const std::string cut = has_cut(made.choice()) ? first_cut(made.choice()) : "50%";

  headline("5. The two halves give the whole network's answer");
  TRY_OK(run(options,
             {"preprocess", kPicture, "--preprocess", "preprocess.json", "-o", "picture.npy"}));
  TRY_OK(run(options, {"run", "model.onnx", "--input", "picture.npy", "--labels", "labels.txt",
                       "--top", "3", "--cut", cut, "--compare"}));
  TRY_OK(run(options, {"split", "model.onnx", "--cut", cut, "-o", "segments"}));
  if (audit) {
    headline("6. All of it on one page, pictures included");
    TRY_OK(run(options, {"report", "audit/audit.json", "--profile", "profile.json", "--plan",
                         "plan.json", "-o", "report.html"}));
  }
  headline(fmt::format("{}. Sealed, served, and queried by an ordinary client", audit ? 7 : 6));
  TRY(served, demo::seal_and_serve(options, kAsked, audit.has_value()));
  headline("What this showed");
  fmt::print("{}{}", summary(audit ? &*audit : nullptr, made), serving_summary(served));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("\nAll of it took {}.{} Next: cloister inspect YOUR_MODEL.onnx\n",
             duration_text(took.count()),
             audit ? fmt::format(" Open {}.", printable((folder / "report.html").string())) : "");
  return 0;
}

}  // namespace

void add_demo_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<demo::Options>();
  CLI::App* command = app.add_subcommand(
      "demo", "All of it on a small network: profile, attack, plan, seal, serve");
  command
      ->add_option("-o,--output", options->folder,
                   "output folder; an earlier "
                   "demonstration in it is replaced")
      ->type_name("DIR")
      ->capture_default_str()
      ->take_last();
  command->add_option("--threads", options->threads, "threads for one run (default: all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command->footer(
      "Takes one to two minutes on two cores and needs no network. Each step shows the\n"
      "command that it runs.");
  command->callback([options, &outcome] { outcome = show_all(*options); });
}

}  // namespace cloister
