// The programs that serve, with a small model, started as a user would.
#pragma once

#include <cmath>

#include "base/sha256.h"
#include "plan/plan.h"
#include "tests/plan/synthetic.h"
#include "tests/support/background.h"
#include "tests/support/cloister.h"

namespace cloister::test {

class Serving : public CloisterTest {
 protected:
  // x f32[N,16] -> h | -> a -> y f32[N,40], sealed for key.txt and signed with rel.key.
  void SetUp() override {
    ModelBuilder b("net");
    b.input("x", DType::kF32, {"N", 16});
    std::string from = "x";
    for (const std::string to : {"h", "a", "y"}) {
      b.random("w_" + to, {40, from == "x" ? 16 : 40});
      const std::string gemm = to == "y" ? to : to + "0";
      b.add(
          {.op = "Gemm", .inputs = {from, "w_" + to}, .attrs = {{"transB", 1}}, .outputs = {gemm}});
      if (to != "y") b.add({.op = "Relu", .inputs = {gemm}, .outputs = {to}});
      from = to;
    }
    b.output("y", DType::kF32, {"N", 40});
    save(b.finish(), "net.onnx");
    plan();
    recipient_ = done({"keygen", "--encryption", "-o", "key.txt"});
    recipient_.pop_back();
    done({"keygen", "--signing", "-o", "rel", "--no-password"});
    write("labels.txt", labels());
    seal("net.cloister", 7);
    std::vector<float> values;
    for (int i = 0; i < 32; ++i) values.push_back(std::sin(static_cast<float>(i)));
    save("x.npy", *Tensor::copy_of(DType::kF32, {2, 16}, std::as_bytes(std::span(values))));
    done({"run", "net.onnx", "--input", "x.npy", "-o", "want.npy"});
  }

  void plan() {
    const auto cuts = json_of({"inspect", "net.onnx", "--json"})["cuts"];
    ASSERT_EQ(cuts.size(), 4U);
    auto profile = profile_of(4, {device_named("cpu", 105, false)});
    for (size_t i = 0; i < 4; ++i) profile.cuts[i].id = cuts[i]["id"];
    profile.model_sha256 = to_hex(sha256(as_bytes(*read_file(dir_ / "net.onnx"))));
    write("p.json", profile::profile_json(profile));
    write("audit.json", audit::record_json(audit_of(profile, {0.6, 0.42, 0.26, 0.19})));
    done({"plan", "net.onnx", "--profile", "p.json", "--audit", "audit.json", "--device",
          "gpu=flops=1G,bytes=1G,link=10G,latency=20e-6", "-o", "plan.json"});
  }

  void seal(const std::string& name, uint64_t version, const Arguments& more = {}) {
    Arguments all = {"seal",
                     "net.onnx",
                     "--plan",
                     "plan.json",
                     "--recipient",
                     recipient_,
                     "--sign",
                     "rel.key",
                     "--labels",
                     "labels.txt",
                     "-o",
                     name,
                     "--bundle-version",
                     std::to_string(version)};
    all.insert(all.end(), more.begin(), more.end());
    done(all);
  }

  static std::string labels() {
    std::string text;
    for (int i = 0; i < 40; ++i) text += fmt::format("class {}\n", i);
    return text;
  }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(dir_ / name, text));
  }

  std::unique_ptr<Background> worker(uint16_t port = 0, const Arguments& more = {}) {
    Arguments all = {"--bundle", "net.cloister", "--signer",
                     "rel.pub",  "--listen",     fmt::format("127.0.0.1:{}", port)};
    all.insert(all.end(), more.begin(), more.end());
    return std::make_unique<Background>(CLOISTER_WORKER, all, dir_.path(), "worker");
  }
  Arguments server_arguments(uint16_t worker_port) const {
    return {"--bundle",         "net.cloister",
            "--identity",       "key.txt",
            "--signer",         "rel.pub",
            "--worker",         worker_url(worker_port),
            "--listen",         "127.0.0.1:0",
            "--metrics-listen", "127.0.0.1:0",
            "--worker-timeout", "2"};
  }
  static std::string worker_url(uint16_t port) { return fmt::format("http://127.0.0.1:{}", port); }
  std::unique_ptr<Background> server(uint16_t worker_port) {
    auto started = std::make_unique<Background>(CLOISTERD, server_arguments(worker_port),
                                                dir_.path(), "server");
    url_ = fmt::format("https://127.0.0.1:{}", started->port());
    return started;
  }
  Arguments infer(const Arguments& more = {}) const {
    Arguments all = {"infer", url_, "--input", "x.npy", "--allow-simulated", "--signer", "rel.pub"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  Finished curl(const Arguments& arguments) {
    Arguments all = {"--silent", "--show-error", "--max-time", "60"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    ProgramOptions options = options_;
    options.out = "curl.out";
    options.err = "curl.err";
    return run_program("/usr/bin/curl", all, options);
  }
  // The answer is there once a worker is up.
  void wait_ready() {
    ASSERT_EQ(curl({"-k", "--retry", "100", "--retry-delay", "1", "--retry-all-errors", "--fail",
                    "-o", "ready.json", url_ + "/v2/health/ready"})
                  .code,
              0);
  }

  void expect_same_values(const std::vector<float>& got) {
    const auto want = read_npy(dir_ / "want.npy");
    ASSERT_TRUE(want);
    const auto values = want->as<float>();
    ASSERT_EQ(got.size(), values.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], values[i], 1e-4) << i;
  }

  // The request that x.npy is, as JSON; as binary: behind its JSON.
  std::string json_request() {
    const auto x = read_npy(dir_ / "x.npy");
    const auto values = x->as<float>();
    return nlohmann::json{{"id", "curl"},
                          {"inputs",
                           {{{"name", "x"},
                             {"datatype", "FP32"},
                             {"shape", x->shape()},
                             {"data", std::vector<float>(values.begin(), values.end())}}}}}
        .dump();
  }
  // Gives the length of the JSON.
  size_t write_binary_request(const std::string& name) {
    const auto x = read_npy(dir_ / "x.npy");
    const std::string json =
        nlohmann::json{{"inputs",
                        {{{"name", "x"},
                          {"datatype", "FP32"},
                          {"shape", x->shape()},
                          {"parameters", {{"binary_data_size", x->data().size()}}}}}}}
            .dump();
    write(name, json + std::string(as_text(x->data())));
    return json.size();
  }

  std::string url_;
  std::string recipient_;  // whom bundles are sealed for
};

}  // namespace cloister::test
