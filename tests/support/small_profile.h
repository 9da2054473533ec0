// A small profile.json.
#pragma once

#include "profile/record.h"

namespace cloister::test {

// Three cuts of a model of 10 ms; c2 was measured whole, and checked.
inline profile::ProfileRecord small_profile() {
  profile::ProfileRecord record;
  record.tool = "cloister test";
  record.machine = "a machine";
  record.model_file = "m.onnx";
  record.model_sha256 = std::string(64, 'a');
  record.settings.rounds = 5;
  record.input_shape = {1, 12};
  record.input_bytes = 48;
  record.output_bytes = 40;
  record.total = {1000, 4000, 400};
  record.trusted = {"ONNX Runtime 1", {10, 9, 11}, 5, {9000, 7000}};
  profile::Device device{.name = "onnxruntime-cpu", .engine = "ONNX Runtime 1"};
  device.whole = {10, 9, 11};
  device.load_ms = 5;
  device.link = {.name = "shm", .latency_ms = 0.01, .bytes_per_second = 1e9};
  device.link.samples = {{0, {0.01, 0.01, 0.01}}, {1000, {0.011, 0.011, 0.011}}};
  record.devices = {device};
  for (uint64_t i = 1; i <= 3; ++i) {
    const auto part = static_cast<double>(i);
    profile::CutCost cut;
    cut.id = "c" + std::to_string(i);
    cut.position = i;
    cut.tensors = {"t" + std::to_string(i)};
    cut.macs_share = part / 4;
    cut.bytes = 400 - 100 * i;
    cut.before = {250 * i, 1000 * i, 100 * i};
    cut.measured = i == 2;
    cut.head = {2.5 * part, 2.4 * part, 2.6 * part};
    cut.tail = {10 - 2.5 * part, 9, 11};
    cut.bodies = {cut.tail};
    cut.head_load_ms = part;
    cut.head_memory = {2000 * i, 1500 * i};
    cut.tail_memory = {9000 - 2000 * i, 7000 - 1500 * i};
    record.cuts.push_back(cut);
  }
  record.checks = {{"c2", 11, 10, 4100, 4000}};
  return record;
}

}  // namespace cloister::test
