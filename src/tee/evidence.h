// The server's side of the exchange that comes before any input (attest/exchange.h).
#pragma once

#include <memory>

#include "attest/exchange.h"
#include "attest/produce/attester.h"
#include "bundle/bundle.h"
#include "net/server.h"
#include "serving/task_thread.h"

namespace cloister::serving {

// Counts requests for evidence by outcome. Neither function blocks.
struct EvidenceMeter {
  // "ok", "quota", "deadline" for who waited too long, or the word for an error's kind.
  std::function<void(const std::string& outcome)> asked = [](const std::string&) {};
  std::function<void(double seconds)> produced = [](double) {};  // or failed to
};

struct EvidenceOptions {
  double per_second = 20;  // pieces of evidence per second at most, over all clients
  double burst = 100;
  size_t queue = 256;                              // requests that may wait; further ones get 503
  std::chrono::milliseconds longest_wait{10'000};  // of each of them, and for the producer
  std::vector<std::string> sandbox = {};           // for the statement
  EvidenceMeter meter = {};
};

// Answers requests for evidence on its own thread: making it takes milliseconds to seconds,
// and inference does not wait for it. While a producer hangs, only requests for evidence
// are affected. Thread-safe.
class EvidenceService {
 public:
  // `producer` makes the evidence; it is asked by one thread at a time.
  static Result<std::unique_ptr<EvidenceService>> start(const bundle::Bundle& bundle,
                                                        const std::string& config_sha256,
                                                        const std::string& tool,
                                                        std::shared_ptr<attest::Attester> producer,
                                                        const EvidenceOptions& options = {});
  // Answers those who wait with 503. What the producer is asked just now gets as long as ever; a
  // producer that takes longer is left alone with its thread.
  ~EvidenceService();

  // "tee", "tpm", "simulated": what the evidence protects.
  std::string_view mode() const;
  // To be called from the handler itself: it uses the request's channel. Does not block.
  void answer(const net::Request& request, net::Respond respond);

 private:
  struct State;
  explicit EvidenceService(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;  // also of a producer that hangs
  TaskThread making_;
  TaskThread watching_;  // last: it uses the others
};

}  // namespace cloister::serving
