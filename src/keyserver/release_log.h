// What a key server has done: one line of JSON an event, each with the digest of the line before
// it, so that nothing can be changed, left out or put in without changing the digest of the last
// line, the head. docs/formats/key-release.md.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "base/durable.h"
#include "base/time.h"

namespace cloister::serving {

// What was done, by the words of the record. Empty: does not apply, or was not known.
struct ReleaseEvent {
  // "started", "released", "refused", "revoked", "restored"; in a file that continues another one
  // "continued" first, then "carried" for all that the lines before say of the future.
  std::string event;
  std::string key;
  std::string key_recipient;  // age1..., whose secret the key is
  std::string policy_sha256;  // what the key's policy was
  std::string model;
  std::optional<uint64_t> version;
  std::string manifest_sha256;
  std::string config_sha256;
  std::string kind;                      // of evidence
  std::vector<std::string> environment;  // "measurement=...", "chip_id=..."
  std::string recipient;                 // age1..., whom it was wrapped for
  std::string peer;
  std::string why;
};

struct LogLine {
  uint64_t seq = 1;
  std::string time;      // UTC, "2025-01-31T12:00:00Z"
  std::string previous;  // SHA-256 of the line before, with its end; zeros for the first
  ReleaseEvent event;
};

struct LogHead {
  uint64_t seq = 0;  // 0: the log is empty
  std::string sha256 = std::string(64, '0');

  bool operator==(const LogHead&) const = default;
};
std::string head_json(const LogHead& head);
// "42:9f86d0..."; kUsage.
Result<LogHead> parse_head(std::string_view text);

struct ReadLog {
  LogHead head;
  uint64_t bytes = 0;  // of whole lines. What is behind them was never finished
};

// Checks every line and what links them, and shows each with its digest. `before` is the head of
// the file that this one continues; where none is known, the first line's word is taken for it.
// kRefused, naming the line, when the log is not as it was written.
Result<ReadLog> read_log(std::string_view log,
                         const std::function<void(const LogLine&, const LogHead&)>& each,
                         const LogHead& before = {});

// What the log says of the past, and the future must heed.
struct ReleaseState {
  // Model, by the key that was released for it -> the latest version.
  std::map<std::pair<std::string, std::string>, uint64_t> released;
  std::map<std::string, std::string> revoked;  // key -> why

  void apply(const ReleaseEvent& event);
  // 0: none.
  uint64_t latest(const std::string& key_recipient, const std::string& model) const;
  // Events that bring an empty state to this one.
  std::vector<ReleaseEvent> carried() const;
};

// Thread-safe.
class ReleaseLog {
 public:
  using Clock = std::function<Time()>;

  // Reads what there is, and cuts off a last line that was never finished. kUnavailable while
  // another process has it; kRefused as read_log().
  static Result<std::unique_ptr<ReleaseLog>> open(const fs::path& path, Clock clock);

  // On the disk when it returns. After an error there is no such event.
  Result<LogHead> add(const ReleaseEvent& event);
  LogHead head() const;
  ReleaseState state() const;

  // Where its file was moved away, begins another one at its path, which continues the chain and
  // carries the state. Whether it did. kRefused where another file is there that is not empty;
  // after an error the log goes on in the file that it has.
  Result<bool> reopen();

 private:
  struct NextLine {
    std::string text;
    LogHead head;
  };
  Result<NextLine> line_after(const LogHead& before, const ReleaseEvent& event) const;
  ReleaseLog(AppendFile file, Clock clock) : file_(std::move(file)), clock_(std::move(clock)) {}

  mutable std::mutex mutex_;  // of writing, which takes a disk
  AppendFile file_;
  Clock clock_;
  ReleaseState state_;
  mutable std::mutex head_mutex_;  // of what is written: whoever asks for it waits for no disk
  LogHead head_;
};

}  // namespace cloister::serving
