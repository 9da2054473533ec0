// RNN, GRU, LSTM: one step at a time.
#include <functional>

#include "engine/torch/registry.h"

namespace cloister::ops {
namespace {

// One direction's weights.
struct Cell {
  at::Tensor w;       // [gates * hidden, input]
  at::Tensor r;       // [gates * hidden, hidden]
  at::Tensor w_bias;  // [gates * hidden]
  at::Tensor r_bias;
  at::Tensor peephole;  // [3 * hidden] or undefined
};

struct State {
  at::Tensor h;
  at::Tensor c;  // LSTM only
};

using Step = std::function<State(const Call&, const Cell&, const at::Tensor& x, const State&)>;

std::vector<at::Tensor> gates(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              int64_t count) {
  return at::linear(x, weight, bias).chunk(count, -1);
}

State rnn_step(const Call& /*call*/, const Cell& cell, const at::Tensor& x, const State& before) {
  return {at::tanh(at::linear(x, cell.w, cell.w_bias) + at::linear(before.h, cell.r, cell.r_bias)),
          {}};
}

// Gates in the order z, r, h.
State gru_step(const Call& call, const Cell& cell, const at::Tensor& x, const State& before) {
  const auto from_x = gates(x, cell.w, cell.w_bias, 3);
  const auto w_r = cell.r.chunk(3, 0);
  const auto b_r = cell.r_bias.chunk(3, 0);
  const at::Tensor z = at::sigmoid(from_x[0] + at::linear(before.h, w_r[0], b_r[0]));
  const at::Tensor r = at::sigmoid(from_x[1] + at::linear(before.h, w_r[1], b_r[1]));
  const at::Tensor candidate = call.integer("linear_before_reset", 0) != 0
                                   ? at::tanh(from_x[2] + r * at::linear(before.h, w_r[2], b_r[2]))
                                   : at::tanh(from_x[2] + at::linear(r * before.h, w_r[2], b_r[2]));
  return {(1 - z) * candidate + z * before.h, {}};
}

// Gates in the order i, o, f, c; peepholes i, o, f.
State lstm_step(const Call& /*call*/, const Cell& cell, const at::Tensor& x, const State& before) {
  auto gate =
      (at::linear(x, cell.w, cell.w_bias) + at::linear(before.h, cell.r, cell.r_bias)).chunk(4, -1);
  std::vector<at::Tensor> peephole;
  if (cell.peephole.defined()) peephole = cell.peephole.chunk(3, 0);
  const auto peek = [&](size_t i, const at::Tensor& c) {
    return peephole.empty() ? gate[i] : gate[i] + peephole[i] * c;
  };
  const at::Tensor i = at::sigmoid(peek(0, before.c));
  const at::Tensor f = at::sigmoid(peek(2, before.c));
  const at::Tensor c = f * before.c + i * at::tanh(gate[3]);
  const at::Tensor o = at::sigmoid(peek(1, c));
  return {o * at::tanh(c), c};
}

void check_attributes(const Call& call, const at::Tensor& x, const std::string& activations) {
  if (call.has_attribute("clip")) refuse("clip");
  if (call.integer("input_forget", 0) != 0) refuse("input_forget");
  std::string given;
  for (const std::string& name : call.texts("activations")) given += name + " ";
  if (!given.empty() && given != activations && given != activations + activations) {
    refuse("activations {}", given);
  }
  if (call.has(4)) {
    for (const int64_t length : call.ints(4)) {
      if (length != x.size(0)) refuse("sequences of several lengths");
    }
  }
}

Values run_cells(const Call& call, const Step& step, const std::string& activations, bool has_c) {
  const bool batch_first = call.integer("layout", 0) != 0;
  const at::Tensor x = batch_first ? call.in(0).transpose(0, 1) : call.in(0);  // [time, batch, in]
  check_attributes(call, x, activations);
  const std::string direction = call.text("direction", "forward");
  const int64_t directions = direction == "bidirectional" ? 2 : 1;
  const at::Tensor& w = call.in(1);
  const at::Tensor& r = call.in(2);
  const int64_t hidden = r.size(-1);
  const at::Tensor bias =
      call.has(3) ? call.in(3) : at::zeros({directions, 2 * w.size(1)}, x.options());
  const auto initial = [&](size_t input, int64_t d) {
    if (!call.has(input)) return at::zeros({x.size(1), hidden}, x.options());
    return call.in(input).select(batch_first ? 1 : 0, d);
  };
  std::vector<at::Tensor> ys;
  std::vector<at::Tensor> last_h;
  std::vector<at::Tensor> last_c;
  for (int64_t d = 0; d < directions; ++d) {
    const auto halves = bias[d].chunk(2, 0);
    const Cell cell{w[d], r[d], halves[0], halves[1], call.has(7) ? call.in(7)[d] : at::Tensor()};
    State state{initial(5, d), has_c ? initial(6, d) : at::Tensor()};
    std::vector<at::Tensor> outputs(static_cast<size_t>(x.size(0)));
    const bool backwards = d == 1 || direction == "reverse";
    for (int64_t i = 0; i < x.size(0); ++i) {
      const int64_t t = backwards ? x.size(0) - 1 - i : i;
      state = step(call, cell, x[t], state);
      outputs[static_cast<size_t>(t)] = state.h;
    }
    ys.push_back(at::stack(outputs));
    last_h.push_back(state.h);
    if (has_c) last_c.push_back(state.c);
  }
  const int64_t axis = batch_first ? 1 : 0;
  at::Tensor y = at::stack(ys, 1);  // [time, direction, batch, hidden]
  if (batch_first) y = y.permute({2, 0, 1, 3});
  Values results = {y, at::stack(last_h, axis)};
  if (has_c) results.push_back(at::stack(last_c, axis));
  return results;
}

Values rnn(const Call& call) {
  return run_cells(call, rnn_step, "Tanh ", false);
}

Values gru(const Call& call) {
  return run_cells(call, gru_step, "Sigmoid Tanh ", false);
}

Values lstm(const Call& call) {
  return run_cells(call, lstm_step, "Sigmoid Tanh Tanh ", true);
}

}  // namespace

OperatorFamily recurrent_operators() {
  return {
      {"GRU", gru, host({4})},
      {"LSTM", lstm, host({4})},
      {"RNN", rnn, host({4})},
  };
}

}  // namespace cloister::ops
