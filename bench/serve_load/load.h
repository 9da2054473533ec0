// Many connections that ask as fast as they are answered.
#pragma once

#include <map>
#include <memory>

#include "bench/serve_load/model.h"
#include "bench/serve_load/round.h"
#include "client/verified_connection.h"

namespace cloister::bench {

struct LoadOptions {
  net::Url url;
  double tolerance = 1e-4;  // of answers, as a share of the largest value
  double limit_s = 30;      // a request without an answer by then is lost
  double retry_s = 0.02;    // after anything but an answer
};

// Every request has one of these ends; the sum of all is the number of requests.
struct Tally {
  uint64_t ok = 0;
  uint64_t wrong = 0;  // answered with 200, and not what the model gives
  uint64_t lost = 0;   // neither an answer nor an error: connection lost, or the limit passed
  std::map<std::string, uint64_t> errors;    // that the server named: by HTTP status
  std::map<std::string, uint64_t> messages;  // the same and losses in words, the first few

  uint64_t refused_connections = 0;  // attempts to connect that failed; no request was made

  // Moments of completion and, of successes, latencies in the same order.
  std::vector<Clock::time_point> ok_at;
  std::vector<double> ok_ms;
  std::vector<Clock::time_point> failed_at;

  void add(Tally other);
  nlohmann::json json(const Round& round, Clock::time_point began, Clock::time_point ended) const;
};

// Keeps its connections between rounds. What is sent was made before, so that little is left to do
// for each request.
class Load {
 public:
  // `cases` outlives it.
  Load(LoadOptions options, const std::vector<Case>& cases);
  ~Load();

  Result<nlohmann::json> run(const Round& round);

 private:
  struct Asker;

  const LoadOptions options_;
  const std::vector<Case>& cases_;
  std::vector<std::unique_ptr<Asker>> askers_;
};

}  // namespace cloister::bench
