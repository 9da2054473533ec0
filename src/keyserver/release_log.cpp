#include "keyserver/release_log.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/sha256.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::serving {
namespace {

constexpr std::string_view kLogSchema = "cloister/release/1";
constexpr std::string_view kHeadSchema = "cloister/release-head/1";
constexpr size_t kMaxLineBytes = 64 << 10;
constexpr size_t kMaxEnvironment = 40;
constexpr const char* kContinued = "continued";
constexpr const char* kCarried = "carried";

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, LogLine> r) {
  io.schema("schema", kLogSchema);
  io.integer("seq", r.seq, 1, kMaxCount);
  io.text("time", r.time, kShort);
  io.digest("previous", r.previous);
  auto& e = r.event;
  io.choice("event", e.event,
            {"started", "released", "refused", "revoked", "restored", kContinued, kCarried});
  io.text_or_null("key", e.key, kShort);
  io.text_or_null("key_recipient", e.key_recipient, kShort);
  io.digest_or_null("policy_sha256", e.policy_sha256);
  io.text_or_null("model", e.model, kShort);
  io.count_or_null("version", e.version, kMaxCount);
  io.digest_or_null("manifest_sha256", e.manifest_sha256);
  io.digest_or_null("config_sha256", e.config_sha256);
  io.text_or_null("kind", e.kind, kShort);
  io.texts("environment", e.environment, kMaxEnvironment, kShort);
  io.text_or_null("recipient", e.recipient, kShort);
  io.text_or_null("peer", e.peer, kShort);
  io.text_or_null("why", e.why, kLong);
}

namespace {

std::string text_of(const LogLine& line) {
  return write_json_line(line);
}

Result<LogLine> parse_line(std::string_view text, const LogHead& before) {
  TRY(line, read_json_record<LogLine>(text, kLogSchema, kMaxLineBytes));
  // Other spellings of the same are nothing that was written here.
  if (text_of(line) != text) return invalid("differs from how the server writes it");
  TRY_OK(parse_time(line.time));
  // Nothing is known of what the first line continues.
  const bool may_begin = before.seq == 0 && line.event.event == kContinued;
  if (may_begin && line.seq > 1) return line;
  if (line.seq != before.seq + 1) return invalid("seq: {}, want {}", line.seq, before.seq + 1);
  if (line.previous != before.sha256) {
    return invalid("previous: {}, the line before has SHA-256 {}", line.previous, before.sha256);
  }
  return line;
}

LogHead head_of(const LogLine& line, std::string_view text) {
  return {line.seq, to_hex(sha256(as_bytes(text)))};
}

}  // namespace

std::string head_json(const LogHead& head) {
  return layout_json(Json{{"schema", kHeadSchema}, {"seq", head.seq}, {"sha256", head.sha256}});
}

Result<LogHead> parse_head(std::string_view text) {
  LogHead head;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.seq);
  const size_t length = static_cast<size_t>(end - text.data());
  head.sha256 = text.substr(std::min(length + 1, text.size()));
  if (error != std::errc() || text.substr(length, 1) != ":" || head.sha256.size() != 64 ||
      head.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(Kind::kUsage, "'{}' is not a head: want SEQ:SHA256", printable(text));
  }
  return head;
}

Result<ReadLog> read_log(std::string_view log,
                         const std::function<void(const LogLine&, const LogHead&)>& each,
                         const LogHead& before) {
  ReadLog read{.head = before};
  while (true) {
    const size_t end = log.find('\n', read.bytes);
    if (end == std::string_view::npos) return read;
    const std::string_view text = log.substr(read.bytes, end + 1 - read.bytes);
    const auto line = parse_line(text, read.head);
    if (!line) {
      return fail(Kind::kRefused, "line {}: {}", read.head.seq + 1, line.error().message);
    }
    read.head = head_of(*line, text);
    read.bytes = end + 1;
    if (each) each(*line, read.head);
  }
}

void ReleaseState::apply(const ReleaseEvent& event) {
  if (event.event == "released") {
    uint64_t& latest = released[{event.key_recipient, event.model}];
    latest = std::max(latest, event.version.value_or(0));
  }
  if (event.event == kCarried && event.version) {
    released[{event.key_recipient, event.model}] = *event.version;
  }
  if (event.event == kCarried && !event.version) revoked[event.key] = event.why;
  if (event.event == "revoked") revoked[event.key] = event.why;
  if (event.event == "restored") revoked.erase(event.key);
}

uint64_t ReleaseState::latest(const std::string& key_recipient, const std::string& model) const {
  const auto found = released.find({key_recipient, model});
  return found == released.end() ? 0 : found->second;
}

std::vector<ReleaseEvent> ReleaseState::carried() const {
  std::vector<ReleaseEvent> events;
  for (const auto& [of, version] : released) {
    events.push_back(
        {.event = kCarried, .key_recipient = of.first, .model = of.second, .version = version});
  }
  for (const auto& [key, why] : revoked) {
    events.push_back({.event = kCarried, .key = key, .why = why});
  }
  return events;
}

Result<std::unique_ptr<ReleaseLog>> ReleaseLog::open(const fs::path& path, Clock clock) {
  TRY(file, AppendFile::open(path));
  std::unique_ptr<ReleaseLog> log(new ReleaseLog(std::move(file), std::move(clock)));
  TRY(map, log->file_.map());
  const auto read = read_log(as_text(map->bytes()), [&](const LogLine& line, const LogHead&) {
    log->state_.apply(line.event);
  });
  if (!read) return with_context(read.error(), fmt::format("'{}'", printable(path.string(), 400)));
  log->head_ = read->head;
  const uint64_t torn = log->file_.size() - read->bytes;
  map.reset();
  if (torn > 0) {
    // Whoever asked was never answered: the answer comes after the line.
    cloister::log(LogLevel::kWarn, "unfinished line cut off",
                  {{"log", path.string()}, {"seq", read->head.seq + 1}, {"bytes", torn}});
    TRY_OK(log->file_.cut(read->bytes));
  }
  return log;
}

Result<LogHead> ReleaseLog::add(const ReleaseEvent& event) {
  const std::scoped_lock lock(mutex_);
  TRY(next, line_after(head_, event));
  TRY_OK(file_.append(next.text));
  state_.apply(event);
  const std::scoped_lock publish(head_mutex_);
  return head_ = next.head;
}

Result<ReleaseLog::NextLine> ReleaseLog::line_after(const LogHead& before,
                                                    const ReleaseEvent& event) const {
  const LogLine line{before.seq + 1, time_text(clock_()), before.sha256, event};
  std::string text = text_of(line);
  // What could not be read again would end the log.
  const auto read = parse_line(text, before);
  if (!read) return fail(Kind::kInternal, "release log: {}", read.error().message);
  const LogHead head = head_of(line, text);
  return NextLine{std::move(text), head};
}

Result<bool> ReleaseLog::reopen() {
  const std::scoped_lock lock(mutex_);
  if (file_.is_at_its_path()) return false;
  std::vector<ReleaseEvent> events = state_.carried();
  events.insert(events.begin(), {.event = kContinued});
  std::string text;
  LogHead head = head_;
  for (const ReleaseEvent& event : events) {
    TRY(next, line_after(head, event));
    text += next.text;
    head = next.head;
  }
  TRY(file, AppendFile::open(file_.path()));
  if (file.size() > 0) {
    return fail(Kind::kRefused, "'{}' is another file, and not empty",
                printable(file_.path().string(), 400));
  }
  TRY_OK(file.append(text));
  file_ = std::move(file);
  const std::scoped_lock publish(head_mutex_);
  head_ = head;
  return true;
}

LogHead ReleaseLog::head() const {
  const std::scoped_lock lock(head_mutex_);
  return head_;
}

ReleaseState ReleaseLog::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

}  // namespace cloister::serving
