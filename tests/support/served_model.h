// A sealed bundle of a small network, and the servers that run it.
#pragma once

#include <cmath>

#include "attest/produce/simulated.h"
#include "bundle/bundle.h"
#include "bundle/seal.h"
#include "bundle/specs.h"
#include "client/verified_connection.h"
#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/segments.h"
#include "graph/extract.h"
#include "tee/trusted_server.h"
#include "tests/support/fake_program.h"
#include "tests/support/graphs.h"
#include "tests/support/net.h"
#include "tests/support/temp_dir.h"
#include "worker/worker_server.h"

namespace cloister::test {

// x f32[N,4] -> 32 -> 32 -> 3, cut behind each activation: "h1", "h2".
inline Graph small_network(const std::string& activation = "Relu") {
  TestGraph b;
  b.f32("x", {zoo::Dimension("N"), 4});
  b.op("a1", "MatMul", {"x", b.random("w1", {4, 32})});
  b.op("h1", "Relu", {"a1"});
  b.op("a2", "MatMul", {"h1", b.random("w2", {32, 32})});
  b.op("h2", activation, {"a2"});
  b.op("y", "MatMul", {"h2", b.random("w3", {32, 3})});
  b.outputs({"y"});
  Graph graph = b.build();
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  return graph;
}

struct Sealed {
  TempDir folder;
  Graph graph;
  std::vector<age::Identity> identities;
  minisign::SecretKey signer = value_of(minisign::generate_key());
  fs::path path = folder.path() / "m.cloister";

  explicit Sealed(const std::vector<std::string>& cuts, uint64_t version = 1, int64_t max_batch = 8,
                  Graph network = small_network())
      : graph(std::move(network)) {
    identities.push_back(value_of(age::Identity::generate()));
    std::vector<Cut> found;
    for (const std::string& cut : cuts) {
      found.push_back(value_of(find_cut(graph, list_cuts(graph), cut)));
    }
    bundle::SealOptions options{.tool = "test",
                                .created_seconds = 1'700'000'000,
                                .model_name = "small",
                                .version = version,
                                .max_batch = max_batch,
                                .model_sha256 = std::string(64, 'a'),
                                .recipients = {identities[0].recipient()},
                                .key = &signer,
                                .plan = "{}\n",
                                .labels = "one\ntwo\nthree\n"};
    std::vector<std::string> ids;
    for (const Cut& cut : found) ids.push_back(cut.id);
    options.segments = segments_between(ids);
    value_of(bundle::seal(graph, found, options, path));
  }

  bundle::Bundle open() const {
    return value_of(bundle::Bundle::open(path, {signer.public_key}, 0));
  }

  std::vector<age::Identity> copy_of_identities() const {
    std::vector<age::Identity> copies;
    copies.push_back(value_of(age::Identity::parse(identities[0].text().text())));
    return copies;
  }

  // What the whole model gives for rows of x.
  Tensor expected(const Tensor& x) const {
    const auto engine = value_of(make_onnxruntime());
    const auto whole = value_of(load_cut_model(*engine, graph));
    return value_of(whole.run({{"x", x}}))[0].tensor;
  }

  std::unique_ptr<serving::WorkerServer> start_worker(uint16_t port = 0) const {
    const auto engine = value_of(make_onnxruntime());
    const bundle::Bundle bundle = open();
    const auto& body = bundle.manifest().segments.at(1);
    return value_of(serving::WorkerServer::start(
        value_of(engine->load(value_of(bundle.segment("body", {})))), body.inputs, body.outputs,
        {.listen = fmt::format("127.0.0.1:{}", port),
         .tool = "test",
         .engine = "onnxruntime",
         .model = "small",
         .version = std::to_string(bundle.manifest().version),
         .segment_sha256 = bundle::segment_sha256(bundle.manifest(), body),
         .max_batch = bundle.manifest().max_batch}));
  }

  serving::BundleParts bundle_parts(const std::vector<uint16_t>& workers) const {
    serving::TrustedServerParts all = parts(workers);
    return {.identities = std::move(all.identities), .workers = std::move(all.workers)};
  }

  serving::TrustedServerParts parts(const std::vector<uint16_t>& workers) const {
    serving::TrustedServerParts parts;
    parts.config.listen = "127.0.0.1:0";
    parts.config.metrics_listen = "127.0.0.1:0";
    parts.tool = "test";
    parts.producer = attest::simulated_attester();
    parts.identities = copy_of_identities();
    for (const uint16_t port : workers) {
      parts.workers.push_back({.url = {.host = "127.0.0.1", .port = port}});
    }
    parts.now_unix_s = 1'700'000'000;
    return parts;
  }

  serving::VerifyOptions verify_options() const {
    serving::VerifyOptions options;
    options.policy = {.tee = {.accept_simulated = true},
                      .bundle = {.signers = {signer.public_key}},
                      .audit = {.accept_unaudited = true}};
    options.client.trust = net::ClientOptions::Trust::kCallerChecks;
    return options;
  }
};

inline net::Url url_of(const serving::TrustedServer& server) {
  return {.tls = true, .host = "127.0.0.1", .port = server.port()};
}

// `items` rows for x, each its own.
inline Tensor some_rows(int64_t items, float seed) {
  std::vector<float> values;
  for (int64_t i = 0; i < items * 4; ++i) values.push_back(std::sin(seed + static_cast<float>(i)));
  return floats({items, 4}, values);
}

// Waits until requests would be answered; false where that takes longer than `limit`.
inline bool wait_ready(const serving::TrustedServer& server, serving::Seconds limit) {
  return eventually([&] { return server.ready().has_value(); }, limit);
}

}  // namespace cloister::test
