#include <fmt/ranges.h>

#include <map>
#include <nlohmann/json.hpp>

#include "app/keyserver/commands.h"
#include "keyserver/release_log.h"

namespace cloister {
namespace {

constexpr const char* kLogFooter =
    R"(Checks that each line names the SHA-256 of the line before it, prints the events, and at the
end the head: the number of the last line and its SHA-256. A head that you kept elsewhere proves
whether the lines up to it are unchanged. A server may be running meanwhile. A file that continues
one which is not given is believed in where it begins.

Examples:
  cloister-keyserver log release.log
  cloister-keyserver log release.log.1 release.log
  cloister-keyserver log release.log --json --expect-head 42:9f86d081884c7d65...

Exit codes: 0 the log is intact; 1 failed; 2 usage; 3 it was altered, or lacks the head.)";

struct LogCheck {
  std::vector<std::string> files;
  std::vector<std::string> expected;
  bool json = false;
};

void print_event(const serving::LogLine& line) {
  const serving::ReleaseEvent& e = line.event;
  fmt::print("{} {} {}", line.seq, line.time, e.event);
  const auto field = [](const char* name, const std::string& value) {
    if (!value.empty()) fmt::print(" {}={}", name, printable(value, 400));
  };
  field("key", e.key);
  field("model", e.model);
  if (e.version) fmt::print(" version={}", *e.version);
  field("kind", e.kind);
  for (const std::string& identity : e.environment) fmt::print(" {}", printable(identity, 160));
  field("recipient", e.recipient);
  field("peer", e.peer);
  field("why", e.why);
  fmt::print("\n");
}

// Line -> digest.
using Heads = std::map<uint64_t, std::string>;

Result<Heads> parse_heads(const std::vector<std::string>& texts) {
  Heads heads;
  for (const std::string& text : texts) {
    TRY(head, serving::parse_head(text));
    if (!heads.emplace(head.seq, head.sha256).second) {
      return fail(Kind::kUsage, "--expect-head: two different heads for line {}", head.seq);
    }
  }
  return heads;
}

struct Looked {
  serving::LogHead head;
  std::map<std::string, uint64_t> counts;  // by event
  uint64_t unfinished_bytes = 0;           // at the end
};

// One file, which continues what `looked` has seen. Heads that are found go from `expected`.
Result<> look(const std::string& file, const LogCheck& o, Heads& expected, Looked& looked) {
  TRY(map, MappedFile::open(file));
  const std::string_view text = as_text(map->bytes());
  Result<> anchored;
  const auto each = [&](const serving::LogLine& line, const serving::LogHead& head) {
    ++looked.counts[line.event.event];
    if (!o.json) print_event(line);
    const auto want = expected.find(head.seq);
    if (want == expected.end()) return;
    if (anchored && want->second != head.sha256) {
      anchored = fail(Kind::kRefused, "line {} has SHA-256 {}, want {}", head.seq, head.sha256,
                      want->second);
    }
    expected.erase(want);
  };
  const auto read = serving::read_log(text, each, looked.head);
  if (!read) return with_context(read.error(), fmt::format("'{}'", printable(file, 400)));
  looked.head = read->head;
  looked.unfinished_bytes = text.size() - read->bytes;
  return anchored;
}

Outcome check_log(const LogCheck& o) {
  TRY(expected, parse_heads(o.expected));
  Looked looked;
  for (const std::string& file : o.files) {
    if (looked.unfinished_bytes > 0) {
      return fail(Kind::kRefused, "an unfinished line before '{}'", printable(file, 400));
    }
    TRY_OK(look(file, o, expected, looked));
  }
  if (!expected.empty()) {
    return fail(Kind::kRefused, "'{}' ends with line {}, and line {} is expected",
                printable(o.files.back(), 400), looked.head.seq, expected.begin()->first);
  }
  if (looked.unfinished_bytes > 0) {
    fmt::print(stderr,
               "warning: {} bytes of an unfinished last line, for which no answer was sent\n",
               looked.unfinished_bytes);
  }
  const std::string head = fmt::format("{}:{}", looked.head.seq, looked.head.sha256);
  if (o.json) {
    nlohmann::ordered_json out = {{"head", head}, {"lines", looked.head.seq}};
    for (const char* event : {"started", "released", "refused", "revoked", "restored"}) {
      out[event] = looked.counts[event];
    }
    out["unfinished_bytes"] = looked.unfinished_bytes;
    fmt::print("{}\n", out.dump());
  } else {
    fmt::print("head {}\n", head);
  }
  return 0;
}

}  // namespace

void add_log_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<LogCheck>();
  CLI::App* command = app.add_subcommand("log", "Check a log, and print it");
  command
      ->add_option("FILE", options->files,
                   "the log; of one that was rotated all files that are to be checked, the oldest "
                   "first")
      ->required()
      ->type_name("FILE...");
  command
      ->add_option("--expect-head", options->expected,
                   "an earlier head that the log must contain (repeatable)")
      ->type_name("SEQ:SHA256")
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "print the head and the number of each event as JSON");
  command->footer(kLogFooter);
  command->callback([options, &outcome] { outcome = check_log(*options); });
}

}  // namespace cloister
