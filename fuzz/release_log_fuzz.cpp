// The log of a key server: no input crashes its reader, which accepts whole lines only, gives the
// head that the last of them has, and finds any line that is left out. Digests are put in first
// where lines name one, since no fuzzer finds them.
#include <cstdlib>

#include "base/sha256.h"
#include "keyserver/release_log.h"

using namespace cloister;

namespace {

// The log with each line naming the digest of the one before it.
std::string chained(std::string_view log) {
  constexpr std::string_view kField = "\"previous\":\"";
  std::string out;
  std::string previous(64, '0');
  while (!log.empty()) {
    const size_t end = log.find('\n');
    std::string line(log.substr(0, end == std::string_view::npos ? end : end + 1));
    log.remove_prefix(line.size());
    const size_t at = line.find(kField);
    if (at != std::string::npos && line.size() >= at + kField.size() + previous.size()) {
      line.replace(at + kField.size(), previous.size(), previous);
    }
    previous = to_hex(sha256(as_bytes(line)));
    out += line;
  }
  return out;
}

void check(std::string_view log) {
  uint64_t lines = 0;
  serving::LogHead last;
  serving::ReleaseState state;
  const auto read =
      serving::read_log(log, [&](const serving::LogLine& line, const serving::LogHead& head) {
        ++lines;
        last = head;
        state.apply(line.event);
      });
  if (!read) return;
  if (read->head != last || last.seq != lines || read->bytes > log.size()) std::abort();
  if (lines > 1) {
    const size_t first = log.find('\n') + 1;
    if (serving::read_log(log.substr(first), nullptr)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  check(log);
  check(chained(log));
  return 0;
}
