// What verification adds to a request, over loopback: to the first one on a connection, and to
// those that follow (the claim: nothing). verify_bench [--benchmark_filter=...]; with CLOISTER_TPM
// set
// ("swtpm:host=127.0.0.1,port=2321") by that TPM's evidence too.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "attest/produce/attester.h"
#include "client/client.h"
#include "tests/support/served_model.h"

namespace cloister::test {
namespace {

constexpr net::Seconds kLimit{20};

// One server for all: head and body inside, so that only the connection differs.
struct Served {
  Sealed sealed{{}};
  std::unique_ptr<serving::TrustedServer> server;
  serving::VerifyOptions verify = sealed.verify_options();

  explicit Served(std::shared_ptr<attest::Attester> producer) {
    serving::TrustedServerParts parts = sealed.parts({});
    parts.producer = std::move(producer);
    parts.config.evidence_per_s = 1e6;
    server = value_of(serving::TrustedServer::start(sealed.open(), std::move(parts)));
  }
};

Served& simulated() {
  static Served served(attest::simulated_attester());
  return served;
}

std::optional<Served>& tpm() {
  static std::optional<Served> served = []() -> std::optional<Served> {
    const char* const tcti = std::getenv("CLOISTER_TPM");
    if (tcti == nullptr) return std::nullopt;
    return std::optional<Served>(
        std::in_place, std::shared_ptr(value_of(
                           attest::find_attester({.source = attest::Source::kTpm, .tpm = tcti}))));
  }();
  if (served) {
    // Whatever this TPM has measured.
    auto connection =
        value_of(net::Connection::open(url_of(*served->server), served->verify.client, kLimit));
    const auto claims =
        value_of(serving::examine(*connection, served->verify)).judgement.tee.claims;
    attest::TpmPolicy policy{.ak_names = {claims.tpm->ak_name}, .pcrs = {}};
    policy.pcrs.push_back({claims.tpm->pcrs[0].first, {claims.tpm->pcrs[0].second}});
    served->verify.policy.tee = {.tpm = policy};
  }
  return served;
}

serving::PreparedRequest question(const Served& served) {
  return value_of(
      serving::make_question(served.sealed.open().manifest(), {{"x", some_rows(1, 0.5F)}}, {}));
}

// Without verification: what a client of plain TLS does. Never a way to send real inputs.
void first_request_plain(benchmark::State& state) {
  const Served& served = simulated();
  const serving::PreparedRequest asked = question(served);
  for (auto _ : state) {
    const auto connection =
        value_of(net::Connection::open(url_of(*served.server), served.verify.client, kLimit));
    benchmark::DoNotOptimize(value_of(connection->exchange(asked.http, asked.body, kLimit)));
  }
}

void first_request(benchmark::State& state, const Served& served) {
  const serving::PreparedRequest asked = question(served);
  for (auto _ : state) {
    const auto connection =
        value_of(serving::VerifiedConnection::open(url_of(*served.server), served.verify));
    benchmark::DoNotOptimize(value_of(connection->exchange(asked.http, asked.body, kLimit)));
  }
}

void first_request_verified_simulated(benchmark::State& state) {
  first_request(state, simulated());
}
void first_request_verified_tpm(benchmark::State& state) {
  if (!tpm()) return state.SkipWithError("CLOISTER_TPM is not set");
  first_request(state, *tpm());
}

void later_request_plain(benchmark::State& state) {
  const Served& served = simulated();
  const serving::PreparedRequest asked = question(served);
  const auto connection =
      value_of(net::Connection::open(url_of(*served.server), served.verify.client, kLimit));
  for (auto _ : state) {
    benchmark::DoNotOptimize(value_of(connection->exchange(asked.http, asked.body, kLimit)));
  }
}

void later_request_verified(benchmark::State& state) {
  const Served& served = simulated();
  const serving::PreparedRequest asked = question(served);
  const auto connection =
      value_of(serving::VerifiedConnection::open(url_of(*served.server), served.verify));
  for (auto _ : state) {
    benchmark::DoNotOptimize(value_of(connection->exchange(asked.http, asked.body, kLimit)));
  }
}

BENCHMARK(first_request_plain)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(first_request_verified_simulated)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(first_request_verified_tpm)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(later_request_plain)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(later_request_verified)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace cloister::test

BENCHMARK_MAIN();
