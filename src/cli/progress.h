// How long work tells people how far it is: on a terminal one line that is drawn again and again,
// with the time that is left; elsewhere a plain line now and then.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace cloister {

class Progress {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // `out` is usually stderr; `what` begins each line. Whether it is a terminal is seen here.
  Progress(std::string what, std::FILE* out, Clock clock = std::chrono::steady_clock::now);
  ~Progress();  // takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // May be called as often as one likes: draws at most 10 times a second on a terminal, and writes
  // a line at most every 10 s elsewhere. `done_share` is 0 to 1; what was done before the first
  // call counts as done, but not for the time that is left.
  void update(double done_share, std::string_view details = {});

  // A line that stays, above the bar.
  void line(std::string_view text);

  // Takes the bar away; `text`, if any, is the last line.
  void finish(std::string_view text = {});

 private:
  double seconds_left(double done_share) const;
  void clear();

  std::string what_;
  std::FILE* out_;
  Clock clock_;
  bool terminal_;
  bool drawn_ = false;  // a bar is on the terminal's last line
  bool started_ = false;
  double first_share_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point shown_;
};

// "train  [=====>    ]  52 %  3 min 20 s left  loss 0.31", at most `width` columns; a negative
// `seconds_left` is not known yet.
std::string progress_text(std::string_view what, double done_share, double seconds_left,
                          std::string_view details, size_t width);

// "3 s", "3 min 20 s", "2 h 05 min"
std::string duration_text(double seconds);

}  // namespace cloister
