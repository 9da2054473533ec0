#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cloister {
namespace {

constexpr size_t kLongestText = 300;

struct Log {
  std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>(
      "cloister", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  LogFormat format = LogFormat::kText;

  Log() { logger->set_level(spdlog::level::off); }
};

Log& the_log() {
  static auto* const kLog = new Log;  // never destroyed: threads may log until the very end
  return *kLog;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Only texts that a reader could take for something else are quoted.
std::string value_text(const LogField& field) {
  const nlohmann::json value =
      std::visit([](const auto& v) { return nlohmann::json(v); }, field.content);
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  const bool plain = !text.empty() && text.find_first_of(" =\"'") == std::string::npos;
  return plain ? text : value.dump();
}

}  // namespace

LogField::LogField(const char* key, std::string_view value)
    : name(key), content(printable(value, kLongestText)) {}

std::string log_line(LogFormat format, std::string_view event,
                     std::initializer_list<LogField> fields) {
  if (format == LogFormat::kText) {
    std::string line(event);
    for (const LogField& field : fields)
      line += fmt::format(" {}={}", field.name, value_text(field));
    return line;
  }
  std::string line = "\"event\":" + nlohmann::json(event).dump();
  for (const LogField& field : fields) {
    const auto value = std::visit([](const auto& v) { return nlohmann::json(v); }, field.content);
    line += fmt::format(",\"{}\":{}", field.name, value.dump());
  }
  return line;
}

void start_logging(LogLevel level, LogFormat format) {
  Log& log = the_log();
  log.format = format;
  log.logger->set_pattern(format == LogFormat::kJson
                              ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                              : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                          spdlog::pattern_time_type::utc);
  log.logger->flush_on(spdlog::level::debug);
  log.logger->set_level(to_spdlog(level));
}

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  const Log& log = the_log();
  const auto spdlog_level = to_spdlog(level);
  if (!log.logger->should_log(spdlog_level)) return;
  log.logger->log(spdlog_level, "{}", log_line(log.format, event, fields));
}

}  // namespace cloister
