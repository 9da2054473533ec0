// Programs that run while a test does.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/support/program.h"

namespace cloister::test {

class Background {
 public:
  // What it prints goes to files in the folder, named after `name`.
  Background(const fs::path& program, const Arguments& arguments, const fs::path& folder,
             const std::string& name) {
    options_.folder = folder;
    options_.out = name + ".out";
    options_.err = name + ".err";
    fs::remove(folder / options_.out);
    child_ = start_program(program, arguments, options_);
  }
  ~Background() {
    if (!status_) signal(SIGKILL);
    wait();
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // The first line of its stdout, which says in JSON that it is ready; null when it ends without.
  nlohmann::json first_line() {
    std::string text;
    const bool there = until([&] {
      text = out();
      return text.find('\n') != std::string::npos;
    });
    if (!there) return nullptr;
    return nlohmann::json::parse(text.substr(0, text.find('\n')), nullptr, false);
  }
  // Whether its stderr says so before it ends.
  bool says(const std::string& part) {
    return until([&] { return err().find(part) != std::string::npos; });
  }
  uint16_t port() {
    const nlohmann::json line = first_line();
    if (!line.is_object() || !line.contains("port")) throw std::runtime_error("no port: " + err());
    return line["port"];
  }

  pid_t pid() const { return child_; }
  void signal(int number) const { ::kill(child_, number); }
  // Exit code; minus the signal that killed it.
  int wait() {
    if (!status_) status_ = wait_child(child_, options_.limit).value_or(SIGKILL);
    return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -WTERMSIG(*status_);
  }
  int stop() {
    signal(SIGTERM);
    return wait();
  }
  std::string out() const { return read_file(options_.folder / options_.out).value_or(""); }
  std::string err() const { return read_file(options_.folder / options_.err).value_or(""); }

 private:
  // Waits for that; false when the program ends, or a minute passes, without.
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
      const bool over = ended();
      if (condition()) return true;
      if (over) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  bool ended() {
    int status = 0;
    if (!status_ && ::waitpid(child_, &status, WNOHANG) == child_) status_ = status;
    return status_.has_value();
  }

  ProgramOptions options_;
  pid_t child_ = -1;
  std::optional<int> status_;
};

}  // namespace cloister::test
