#include "cli/log_options.h"

namespace cloister {

void LogOptions::add_to(CLI::App& app) {
  app.add_option("--log-level", level, "level of the log on stderr: debug, info, warn")
      ->check(CLI::IsMember({"debug", "info", "warn"}))
      ->type_name("LEVEL")
      ->capture_default_str();
  app.add_flag("--log-json", json, "log one JSON object per line");
}

void LogOptions::start() const {
  start_logging(level == "debug"  ? LogLevel::kDebug
                : level == "warn" ? LogLevel::kWarn
                                  : LogLevel::kInfo,
                json ? LogFormat::kJson : LogFormat::kText);
}

}  // namespace cloister
