#include <unistd.h>

#include <chrono>

#include "app/commands.h"
#include "app/options/trust.h"
#include "app/verify_report.h"
#include "attest/verify/kinds.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/words.h"
#include "client/verified_connection.h"
#include "trust/draft_policy.h"
#include "trust/saved_exchange.h"

namespace cloister {
namespace {

constexpr const char* kVerifyFooter =
    R"(With a URL it connects, requests evidence as a client does before it sends an input,
and judges everything under the policy: environment, configuration, bundle, audit. It
sends no input. With a file it judges what --save kept, or a bare report or quote:
SEV-SNP, TDX, SGX, TPM, Azure's HCL. Give a bare report's endorsements with --with
(vek, intermediate, amd_crl; tcb_info, qe_identity, pck_crl, root_ca_crl, ...:
docs/formats/trust-policy.md), and its expected report data with --report-data.
Without --policy nothing is accepted, and the list shows what was found.

Examples:
  cloister verify https://host:8443 --policy trust-policy.json
  cloister verify https://host:8443 --draft-policy trust-policy.json   # then read it
  cloister verify report.bin --policy p.json --with vek=vcek.der \
    --with intermediate=ask.pem --with amd_crl=crl.der --report-data 5a0c... \
    --time 2026-03-20T10:58:51Z

Exit codes: 0 trusted; 1 failed; 2 usage; 3 not trusted.)";

constexpr uint64_t kMaxEvidenceFile = 1 << 20;
constexpr uint64_t kMaxSavedFile = 2 * attest::kMaxExchangeBytes;

struct VerifyCommand {
  TrustOptions trust;
  std::string target;
  std::vector<std::string> with;  // NAME=FILE
  std::string kind;
  std::string report_data;
  std::string time;
  std::string save;
  std::string draft;
  double limit_s = 10;
  bool json = false;
  bool full = false;
};

// What there is to judge, and what came of it.
struct Judged {
  VerifyReport report;
  std::optional<attest::SavedExchange> exchange;  // nothing: a bare report
};

Result<Time> time_of(const VerifyCommand& o) {
  if (o.time.empty()) {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  return typed(parse_time(o.time));
}

bool is_url(const std::string& target) {
  return target.starts_with("https://") || target.starts_with("http://");
}

Result<> for_files_only(const VerifyCommand& o) {
  if (o.with.empty() && o.kind.empty() && o.report_data.empty() && o.time.empty()) return {};
  return fail(Kind::kUsage, "--with, --kind, --report-data and --time are for files, not for URLs");
}

Result<Judged> judge_url(VerifyCommand& o) {
  TRY_OK(for_files_only(o));
  o.trust.url = o.target;
  TRY(read, o.trust.read());
  read.verify.limit = net::Seconds(o.limit_s);
  // For the draft of a policy; a bundle that has none shows none.
  read.verify.files = {"audit.json"};
  TRY(connection, net::Connection::open(read.url, read.verify.client, read.verify.limit));
  const Time now = read.verify.clock();
  TRY(examined, serving::examine(*connection, read.verify));
  return Judged{
      {.target = net::url_text(read.url), .now = now, .judgement = std::move(examined.judgement)},
      attest::SavedExchange{net::url_text(read.url), now, examined.expected,
                            std::move(examined.reply)}};
}

Result<Judged> judge_saved(const VerifyCommand& o, std::string_view json) {
  if (!o.with.empty() || !o.kind.empty() || !o.report_data.empty()) {
    return fail(Kind::kUsage, "--with, --kind and --report-data are for bare reports");
  }
  TRY(saved, attest::parse_saved_exchange(json));
  TRY(policy, o.trust.read_policy());
  TRY(now, time_of(o));
  Judged out{.report = {.target = printable(o.target, 400), .now = now}};
  out.report.notes.push_back(
      fmt::format("shown by {} at {}: only the file says on which connection", printable(saved.url),
                  time_text(saved.when)));
  out.report.judgement =
      attest::appraise(saved.reply, policy, {.expected = saved.expected, .now = now});
  out.exchange = std::move(saved);
  return out;
}

// "NAME=FILE": parts of evidence and what others say of it, by their names.
Result<> read_blobs(const VerifyCommand& o, attest::Evidence& evidence,
                    attest::Endorsements& endorsements) {
  for (const std::string& text : o.with) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return fail(Kind::kUsage, "--with '{}': want NAME=FILE", printable(text));
    }
    const std::string name = text.substr(0, equals);
    TRY(content, read_file(text.substr(equals + 1), kMaxEvidenceFile));
    const Bytes bytes = as_bytes(content);
    auto& place = attest::is_part(evidence.kind, name) ? evidence.parts : endorsements.blobs;
    place.push_back({name, {bytes.begin(), bytes.end()}});
  }
  return {};
}

Result<attest::Expected> expected_of(const VerifyCommand& o) {
  attest::Expected out;
  if (o.report_data.empty()) return out;
  out.qualifying_data.resize(o.report_data.size() / 2);
  if (const auto read = attest::parse_hex(o.report_data, out.qualifying_data); !read) {
    return fail(Kind::kUsage, "--report-data: {}", read.error().message);
  }
  attest::Fixed<64> data;
  if (attest::from_string(o.report_data, data)) out.report_data = data;
  return out;
}

Result<Judged> judge_bare(const VerifyCommand& o, std::string_view content) {
  if (!o.save.empty() || !o.draft.empty()) {
    return fail(Kind::kUsage, "--save and --draft-policy need a whole exchange, not a bare report");
  }
  attest::Evidence evidence;
  const Bytes bytes = as_bytes(content);
  if (o.kind.empty()) {
    TRY(kind, attest::guess_kind(bytes));
    evidence.kind = kind;
  } else {
    TRY_OK(typed(attest::from_string(o.kind, evidence.kind)));
  }
  evidence.report.assign(bytes.begin(), bytes.end());
  attest::Endorsements endorsements;
  TRY_OK(read_blobs(o, evidence, endorsements));
  TRY(policy, o.trust.read_policy());
  TRY(expected, expected_of(o));
  TRY(now, time_of(o));
  Judged out{.report = {.target = printable(o.target, 400), .now = now}};
  out.report.notes.push_back("bare evidence: no connection, bundle or configuration to judge");
  out.report.judgement = attest::judge_bare(evidence, endorsements, policy, expected, now);
  return out;
}

Result<Judged> judge_file(const VerifyCommand& o) {
  TRY(content, read_file(o.target, kMaxSavedFile));
  return content.starts_with('{') ? judge_saved(o, content) : judge_bare(o, content);
}

Result<> write_wanted(const VerifyCommand& o, const Judged& judged) {
  if (!judged.exchange) return {};
  if (!o.save.empty()) {
    TRY_OK(make_folder_of(o.save));
    TRY_OK(write_file(o.save, attest::write_saved_exchange(*judged.exchange)));
  }
  if (!o.draft.empty()) {
    TRY(policy, attest::draft_policy(judged.exchange->reply, judged.report.judgement));
    TRY_OK(make_folder_of(o.draft));
    TRY_OK(write_new_file(o.draft, as_bytes(attest::policy_json(policy)), false));
    fmt::print(stderr,
               "'{}' accepts exactly what was shown. That proves nothing by itself: "
               "compare its measurements with those of the program that you expect.\n",
               printable(o.draft, 400));
  }
  return {};
}

Outcome run_verify(VerifyCommand& o) {
  TRY(judged, is_url(o.target) ? judge_url(o) : judge_file(o));
  if (o.json) {
    fmt::print("{}\n", report_json(judged.report).dump(2));
  } else {
    fmt::print("{}", report_text(judged.report, o.full, ::isatty(STDOUT_FILENO) == 1));
  }
  std::fflush(stdout);
  TRY_OK(write_wanted(o, judged));
  return judged.report.judgement.trusted ? 0 : exit_code(Kind::kRefused);
}

std::string kinds_text() {
  std::vector<std::string> words;
  for (const attest::EvidenceKind kind : attest::kEvidenceKinds) {
    words.emplace_back(attest::to_string(kind));
  }
  return or_text(words);
}

}  // namespace

void add_verify_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<VerifyCommand>();
  CLI::App* command =
      app.add_subcommand("verify", "Verify a server or saved evidence: every check, and a verdict");
  command
      ->add_option("TARGET", options->target,
                   "https://HOST:PORT, or a file: a saved exchange, or a bare report or quote")
      ->required()
      ->type_name("URL|FILE");
  options->trust.add_policy_to(*command);
  options->trust.add_connection_to(*command);
  command->add_option("--with", options->with, "for a bare report: its endorsements, by name")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--kind", options->kind,
          "for a bare report: " + kinds_text() + "; by default guessed from its first bytes")
      ->type_name("KIND");
  command
      ->add_option("--report-data", options->report_data,
                   "for a bare report: expected report data, 64 bytes; for a TPM 32 or more")
      ->type_name("HEX");
  command
      ->add_option(
          "--time", options->time,
          "for files: the time for which to judge, since certificates expire (default: now); "
          "YYYY-MM-DDTHH:MM:SSZ")
      ->type_name("TIME");
  command->add_option("--save", options->save, "save the whole exchange to a file")
      ->type_name("FILE");
  command
      ->add_option("--draft-policy", options->draft,
                   "write a policy that accepts exactly what was shown, as a starting point")
      ->type_name("FILE");
  command->add_option("--timeout", options->limit_s, "seconds to wait for the server")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 3600.0));
  command->add_flag("--full", options->full, "do not shorten long values");
  command->add_flag("--json", options->json, "print the report as JSON");
  command->footer(kVerifyFooter);
  command->callback([options, &outcome] { outcome = run_verify(*options); });
}

}  // namespace cloister
