// How long a verification takes, by kind of evidence, without network: the claim is under 5 ms.
// attest_bench [--benchmark_filter=...]
#include <benchmark/benchmark.h>

#include "tests/attest/tpm_world.h"

namespace cloister::attest::test {
namespace {

void verify_case(benchmark::State& state, const Case& c) {
  for (auto _ : state) {
    const Verdict verdict = c.verify();
    if (!verdict.trusted) {
      state.SkipWithError("not trusted");
      break;
    }
    benchmark::DoNotOptimize(verdict.checks.data());
  }
}

void snp(benchmark::State& state) {
  verify_case(state, SnpWorld(SnpProduct::kTurin).make());
}
void tdx(benchmark::State& state) {
  verify_case(state, DcapWorld(true, 5, true).make());
}
void sgx(benchmark::State& state) {
  verify_case(state, DcapWorld(false, 3).make());
}
void tpm(benchmark::State& state) {
  verify_case(state, TpmWorld().make());
}
void azure_snp(benchmark::State& state) {
  verify_case(state, AzureWorld(true).make());
}
void azure_tdx(benchmark::State& state) {
  verify_case(state, AzureWorld(false).make());
}

BENCHMARK(snp)->Unit(benchmark::kMicrosecond);
BENCHMARK(tdx)->Unit(benchmark::kMicrosecond);
BENCHMARK(sgx)->Unit(benchmark::kMicrosecond);
BENCHMARK(tpm)->Unit(benchmark::kMicrosecond);
BENCHMARK(azure_snp)->Unit(benchmark::kMicrosecond);
BENCHMARK(azure_tdx)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cloister::attest::test

BENCHMARK_MAIN();
