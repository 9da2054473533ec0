#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace cloister {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{100};
constexpr std::chrono::seconds kBetweenLines{10};
constexpr size_t kBar = 24;

bool can_redraw(std::FILE* out) {
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(out)) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

size_t columns(std::FILE* out) {
  winsize size{};
  const bool known = ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// The numbers of a line, without a bar.
std::string state_text(double done_share, double seconds_left, std::string_view details) {
  std::string text = fmt::format("{:3.0f} %", std::floor(100 * done_share));
  if (seconds_left >= 0) text += fmt::format("  {} left", duration_text(seconds_left));
  if (!details.empty()) text += fmt::format("  {}", details);
  return text;
}

// What can't be written (a closed terminal) is not missed; fmt::print would throw.
void write(std::FILE* out, const std::string& text) {
  std::fputs(text.c_str(), out);
  std::fflush(out);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(std::clamp(seconds, 0.0, 1e9) - 0.01));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_text(std::string_view what, double done_share, double seconds_left,
                          std::string_view details, size_t width) {
  const std::string state = state_text(done_share, seconds_left, details);
  const auto full = static_cast<size_t>(done_share * kBar);
  std::string bar(full, '=');
  if (full < kBar) bar += '>';
  bar.resize(kBar, ' ');
  std::string text = fmt::format("{}  [{}]  {}", what, bar, state);
  // A narrow terminal loses the bar before it loses numbers.
  if (text.size() > width) text = fmt::format("{}  {}", what, state);
  if (text.size() > width) text.resize(width);
  return text;
}

Progress::Progress(std::string what, std::FILE* out, Clock clock)
    : what_(std::move(what)), out_(out), clock_(std::move(clock)), terminal_(can_redraw(out)) {}

Progress::~Progress() {
  clear();
}

double Progress::seconds_left(double done_share) const {
  const double done = done_share - first_share_;
  const std::chrono::duration<double> passed = clock_() - start_;
  // What the first moments say about the rest is nonsense.
  if (done <= 0 || passed < std::chrono::seconds(1)) return -1;
  return passed.count() * (1 - done_share) / done;
}

void Progress::update(double done_share, std::string_view details) {
  done_share = std::isfinite(done_share) ? std::clamp(done_share, 0.0, 1.0) : 0;
  const auto now = clock_();
  if (!started_) {
    started_ = true;
    first_share_ = done_share;
    start_ = now;
    shown_ = now;
    if (!terminal_) return;
  } else if (now - shown_ < (terminal_ ? std::chrono::nanoseconds(kBetweenDraws)
                                       : std::chrono::nanoseconds(kBetweenLines))) {
    return;
  }
  shown_ = now;
  const double left = seconds_left(done_share);
  if (!terminal_) {
    write(out_, fmt::format("{}  {}\n", what_, state_text(done_share, left, details)));
    return;
  }
  // One column less, or some terminals wrap.
  const size_t width = std::max<size_t>(columns(out_), 2) - 1;
  write(out_, fmt::format("\r{}\x1b[K", progress_text(what_, done_share, left, details, width)));
  drawn_ = true;
}

void Progress::line(std::string_view text) {
  clear();
  write(out_, fmt::format("{}\n", text));
}

void Progress::finish(std::string_view text) {
  clear();
  if (!text.empty()) write(out_, fmt::format("{}\n", text));
}

void Progress::clear() {
  if (!drawn_) return;
  write(out_, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace cloister
