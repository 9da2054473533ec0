// Structured logs: an event's name and a few fields, one line each on stderr. Only numbers and
// short texts can be logged, so that no tensor can get in: there is no formatter for one.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace cloister {

enum class LogLevel { kDebug, kInfo, kWarn, kError };  // error: a bug in Cloister

// "refused" = "worker", "bytes" = 512. Texts are made printable, and cut after 300 bytes.
struct LogField {
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  LogField(const char* key, T value) : name(key) {
    if constexpr (std::same_as<T, bool>) {
      content = value;
    } else if constexpr (std::integral<T>) {
      content = static_cast<int64_t>(value);
    } else {
      content = static_cast<double>(value);
    }
  }
  LogField(const char* key, std::string_view value);

  const char* name;
  std::variant<bool, int64_t, double, std::string> content;
};

// Thread-safe. Nothing is written below the level that start_logging set; before it was called,
// nothing at all.
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// From now on events of `level` and above go to stderr: as JSON, one object a line, or as text for
// people.
enum class LogFormat { kText, kJson };
void start_logging(LogLevel level, LogFormat format);

// One event as a line of text, without time and level.
std::string log_line(LogFormat format, std::string_view event,
                     std::initializer_list<LogField> fields);

}  // namespace cloister
