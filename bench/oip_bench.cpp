// One picture, 1x3x224x224 FP32, to and from the Open Inference Protocol's bodies. `copies` is how
// many times as long as a plain copy of the tensor's bytes it takes.
#include <benchmark/benchmark.h>

#include <chrono>
#include <random>

#include "wire/oip.h"

using namespace cloister;
using namespace cloister::oip;

namespace {

using Clock = std::chrono::steady_clock;

InferRequest picture() {
  Tensor tensor = *Tensor::make(DType::kF32, {1, 3, 224, 224});
  std::mt19937 random(1);
  std::normal_distribution<float> values;
  for (float& value : tensor.mutable_as<float>()) value = values(random);
  InferRequest request;
  request.inputs.push_back({"x", std::move(tensor)});
  return request;
}

struct Body {
  SharedBytes bytes;
  std::optional<uint64_t> header_length;
};

Body body_of(const Message& message) {
  const size_t size =
      message.json.size() + (message.extended ? message.binary[0].data().size() : 0);
  auto memory = std::make_shared<Tensor>(*Tensor::make(DType::kU8, {static_cast<int64_t>(size)}));
  std::byte* at = memory->mutable_data().data();
  std::memcpy(at, message.json.data(), message.json.size());
  if (!message.extended) return {{memory->data(), memory}, std::nullopt};
  const Bytes section = message.binary[0].data();
  std::memcpy(at + message.json.size(), section.data(), section.size());
  return {{memory->data(), memory}, message.json.size()};
}

// Seconds that copying a picture takes, memory for it included.
double copy_s() {
  const InferRequest request = picture();
  const TensorView& view = request.inputs[0].tensor.view();
  constexpr int kRuns = 200;
  const auto start = Clock::now();
  for (int i = 0; i < kRuns; ++i) {
    benchmark::DoNotOptimize(Tensor::copy_of(view.dtype, view.shape, view.data));
  }
  return std::chrono::duration<double>(Clock::now() - start).count() / kRuns;
}

template <typename Work>
void measure(benchmark::State& state, Work work) {
  const double copy = copy_s();
  const auto start = Clock::now();
  for (auto _ : state) {
    auto done = work();
    if (!done) return state.SkipWithError(done.error().message.c_str());
    benchmark::DoNotOptimize(*done);
  }
  const double each = std::chrono::duration<double>(Clock::now() - start).count() /
                      static_cast<double>(state.iterations());
  state.counters["copies"] = each / copy;
}

void parse(benchmark::State& state, Encoding encoding) {
  const Body body = body_of(*write_infer_request(picture(), encoding));
  measure(state, [&] { return parse_infer_request(body.bytes, body.header_length); });
}

void write(benchmark::State& state, Encoding encoding) {
  const InferRequest request = picture();
  measure(state, [&] { return write_infer_request(request, encoding); });
}

BENCHMARK_CAPTURE(parse, json, Encoding::kJson)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(parse, binary, Encoding::kBinary)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(write, json, Encoding::kJson)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(write, binary, Encoding::kBinary)->Unit(benchmark::kMicrosecond);

}  // namespace
