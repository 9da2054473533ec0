// What the way to a worker and back costs the trusted side, by link: feature maps of several sizes
// to a cloister-worker with the echo model, in a process of its own. "CPU" is the trusted side's.
//   link_bench --benchmark_repetitions=3 --benchmark_report_aggregates_only
#include <benchmark/benchmark.h>

#include <stdexcept>

#include "cli/background.h"
#include "cli/scratch.h"
#include "link/echo.h"
#include "link/endpoint.h"
#include "net/tls.h"

namespace cloister {
namespace {

constexpr Seconds kLimit{20};

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void need(const Result<>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

enum class Way { kMemory, kTcp, kTls };

// Two workers: one over shared memory and TCP, one over TLS.
class Workers {
 public:
  Workers() {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const auto identity = value_of(net::make_tls_identity({"127.0.0.1"}, now));
    authority_ = identity.certificate_pem;
    need(write_file(scratch_.path() / "cert.pem", identity.certificate_pem));
    need(write_file(scratch_.path() / "key.pem", identity.key_pem));
    plain_.emplace(start({"--shared-memory", socket()}, "plain.log"));
    tls_.emplace(start({"--tls-cert", (scratch_.path() / "cert.pem").string(), "--tls-key",
                        (scratch_.path() / "key.pem").string()},
                       "tls.log"));
  }

  std::unique_ptr<Link> link(Way way) const {
    Endpoint endpoint{.url = {.host = "127.0.0.1"}, .socket = {}};
    LinkOptions options{.model = kEchoModel};
    if (way == Way::kMemory) endpoint.socket = socket();
    endpoint.url.port = static_cast<uint16_t>((way == Way::kTls ? tls_ : plain_)->port());
    if (way == Way::kTls) {
      endpoint.url.tls = true;
      options.client.trust = net::ClientOptions::Trust::kCaPem;
      options.client.ca_pem = authority_;
    }
    return make_link(endpoint, options, echo_specs());
  }

 private:
  std::string socket() const { return (scratch_.path() / "worker.sock").string(); }
  Background start(std::vector<std::string> more, const std::string& log) const {
    more.insert(more.begin(), {"--echo", "--listen", "127.0.0.1:0"});
    return value_of(
        Background::start(program_beside("cloister-worker"), more, scratch_.path(), log));
  }

  Scratch scratch_ = value_of(Scratch::make("cloister-link-bench"));
  std::string authority_;
  std::optional<Background> plain_;
  std::optional<Background> tls_;
};

void BM_Call(benchmark::State& state, Way way) {
  static const Workers workers;
  const auto link = workers.link(way);
  const Tensor features = value_of(Tensor::make(DType::kF32, {state.range(0) / 4}));
  value_of(link->call({features}, 0, kLimit));
  for (auto round : state) benchmark::DoNotOptimize(value_of(link->call({features}, 0, kLimit)));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(64)->Arg(1 << 20)->Arg(3 << 20)->UseRealTime();
}
BENCHMARK_CAPTURE(BM_Call, shared_memory, Way::kMemory)->Apply(sizes);
BENCHMARK_CAPTURE(BM_Call, tcp, Way::kTcp)->Apply(sizes);
BENCHMARK_CAPTURE(BM_Call, tls, Way::kTls)->Apply(sizes);

}  // namespace
}  // namespace cloister

BENCHMARK_MAIN();
