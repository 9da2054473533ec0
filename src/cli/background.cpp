#include "cli/background.h"

#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>
#include <boost/process/start_dir.hpp>
#include <csignal>

namespace cloister {

fs::path program_beside(const std::string& name) {
  std::error_code code;
  return fs::read_symlink("/proc/self/exe", code).parent_path() / name;
}

struct Background::Child {
  boost::process::ipstream out;
  boost::process::child process;
};

Background::Background(std::unique_ptr<Child> child, nlohmann::json said)
    : child_(std::move(child)), said_(std::move(said)) {}
Background::Background(Background&&) noexcept = default;

Background::~Background() {
  if (child_ == nullptr || !child_->process.valid()) return;
  ::kill(child_->process.id(), SIGTERM);
  std::error_code ignored;
  child_->process.wait(ignored);
}

Result<Background> Background::start(const fs::path& program,
                                     const std::vector<std::string>& arguments,
                                     const fs::path& folder, const std::string& log) {
  namespace bp = boost::process;
  auto child = std::make_unique<Child>();
  std::error_code code;
  child->process = bp::child(program.string(), bp::args(arguments), bp::start_dir(folder.string()),
                             bp::std_out > child->out, bp::std_err > (folder / log).string(),
                             bp::std_in < bp::null, code);
  if (code) return fail(Kind::kIo, "can't start '{}': {}", program.string(), code.message());
  std::string line;
  std::getline(child->out, line);
  nlohmann::json said = nlohmann::json::parse(line, nullptr, false);
  Background background(std::move(child), std::move(said));
  if (!background.said_.is_object() || !background.said_.contains("port")) {
    const auto why = read_file(folder / log, 1 << 20);
    return fail(Kind::kIo, "{} did not start: {}", program.filename().string(),
                printable(why ? *why : why.error().message, 1000));
  }
  return background;
}

}  // namespace cloister
