// The programs that serve, started, asked and stopped as a user would.
#include <cmath>

#include "base/sha256.h"
#include "plan/plan.h"
#include "tests/plan/synthetic.h"
#include "tests/support/background.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::Arguments;
using test::Background;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kCurl = "/usr/bin/curl";
constexpr const char* kGpu = "gpu=flops=1G,bytes=1G,link=10G,latency=20e-6";

class Serve : public test::CloisterTest {
 protected:
  // x f32[N,16] -> h | -> a -> y f32[N,40], sealed for key.txt and signed with rel.key.
  void SetUp() override {
    test::ModelBuilder b("net");
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
    std::string recipient = done({"keygen", "--encryption", "-o", "key.txt"});
    recipient.pop_back();
    done({"keygen", "--signing", "-o", "rel", "--no-password"});
    write("labels.txt", labels());
    done({"seal", "net.onnx", "--plan", "plan.json", "--recipient", recipient, "--sign", "rel.key",
          "--bundle-version", "7", "--labels", "labels.txt", "-o", "net.cloister"});
    std::vector<float> values;
    for (int i = 0; i < 32; ++i) values.push_back(std::sin(static_cast<float>(i)));
    save("x.npy", *Tensor::copy_of(DType::kF32, {2, 16}, std::as_bytes(std::span(values))));
    done({"run", "net.onnx", "--input", "x.npy", "-o", "want.npy"});
  }

  void plan() {
    const auto cuts = json_of({"inspect", "net.onnx", "--json"})["cuts"];
    ASSERT_EQ(cuts.size(), 4U);
    auto profile = test::profile_of(4, {test::device_named("cpu", 105, false)});
    for (size_t i = 0; i < 4; ++i) profile.cuts[i].id = cuts[i]["id"];
    profile.model_sha256 = to_hex(sha256(as_bytes(*read_file(dir_ / "net.onnx"))));
    write("p.json", profile::profile_json(profile));
    write("audit.json", audit::record_json(test::audit_of(profile, {0.6, 0.42, 0.26, 0.19})));
    done({"plan", "net.onnx", "--profile", "p.json", "--audit", "audit.json", "--device", kGpu,
          "-o", "plan.json"});
  }

  static std::string labels() {
    std::string text;
    for (int i = 0; i < 40; ++i) text += fmt::format("class {}\n", i);
    return text;
  }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(dir_ / name, text));
  }

  std::unique_ptr<Background> worker(uint16_t port = 0) {
    return std::make_unique<Background>(
        CLOISTER_WORKER,
        Arguments{"--bundle", "net.cloister", "--listen", fmt::format("127.0.0.1:{}", port)},
        dir_.path(), "worker");
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

  test::Finished curl(const Arguments& arguments) {
    Arguments all = {"--silent", "--show-error", "--max-time", "60"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    test::ProgramOptions options = options_;
    options.out = "curl.out";
    options.err = "curl.err";
    return run_program(kCurl, all, options);
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
    return Json{{"id", "curl"},
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
    const std::string json = Json{{"inputs",
                                   {{{"name", "x"},
                                     {"datatype", "FP32"},
                                     {"shape", x->shape()},
                                     {"parameters", {{"binary_data_size", x->data().size()}}}}}}}
                                 .dump();
    write(name, json + std::string(as_text(x->data())));
    return json.size();
  }

  std::string url_;
};

TEST_F(Serve, FromKeysToAnswers) {
  const auto body = worker();
  const auto head = server(body->port());
  wait_ready();

  const test::Finished plain = run(infer({"-o", "got.npy"}));
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.err, HasSubstr("warning: the server is simulated"));
  EXPECT_THAT(plain.out, HasSubstr("class "));
  const auto got = read_npy(dir_ / "got.npy");
  ASSERT_TRUE(got);
  const auto values = got->as<float>();
  expect_same_values({values.begin(), values.end()});
  const Json report = Json::parse(run(infer({"--json", "--json-tensors"})).out);
  EXPECT_EQ(report["model"], "net");
  EXPECT_EQ(report["version"], 7);
  EXPECT_EQ(report["signature_checked"], true);

  // Any client, straight to the server: it sees no evidence, but that is its own affair.
  write("request.json", json_request());
  const test::Finished direct = curl({"-k", "-d", "@request.json", url_ + "/v2/models/net/infer"});
  ASSERT_EQ(direct.code, 0) << direct.err;
  const Json answer = Json::parse(direct.out);
  EXPECT_EQ(answer["id"], "curl");
  EXPECT_EQ(answer["parameters"]["mode"], "simulated");
  expect_same_values(answer["outputs"][0]["data"]);
  EXPECT_NE(curl({url_ + "/v2"}).code, 0) << "the certificate is nobody's";

  const std::string metrics = curl({fmt::format("http://127.0.0.1:{}/metrics",
                                                head->first_line()["metrics_port"].get<int>())})
                                  .out;
  EXPECT_THAT(metrics, HasSubstr("cloister_requests_total{outcome=\"ok\"} 3\n"));
  EXPECT_THAT(metrics, HasSubstr("cloister_worker_up{worker=\"127.0.0.1:"));

  EXPECT_EQ(head->stop(), 0) << head->err();
  EXPECT_THAT(head->err(), HasSubstr("draining"));
  EXPECT_EQ(body->stop(), 0) << body->err();
}

TEST_F(Serve, ProxyForClientsThatKnowNothing) {
  const auto body = worker();
  const auto head = server(body->port());
  wait_ready();
  Background proxy(
      CLOISTER,
      {"proxy", url_, "--listen", "127.0.0.1:0", "--allow-simulated", "--signer", "rel.pub"},
      dir_.path(), "proxy");
  const std::string plain = fmt::format("http://127.0.0.1:{}/v2/models/net", proxy.port());
  EXPECT_EQ(proxy.first_line()["model"], "net");
  EXPECT_EQ(Json::parse(curl({plain}).out)["name"], "net");

  write("request.json", json_request());
  expect_same_values(
      Json::parse(curl({"-d", "@request.json", plain + "/infer"}).out)["outputs"][0]["data"]);
  const size_t length = write_binary_request("request.bin");
  expect_same_values(
      Json::parse(curl({"--data-binary", "@request.bin", "-H",
                        fmt::format("Inference-Header-Content-Length: {}", length), "-H",
                        "Content-Type: application/octet-stream", plain + "/infer"})
                      .out)["outputs"][0]["data"]);
  const test::Finished wrong = curl({"-d", "{", "-w", "%{http_code}", plain + "/infer"});
  EXPECT_THAT(wrong.out, testing::EndsWith("}400"));

  EXPECT_EQ(head->stop(), 0);
  EXPECT_THAT(curl({"-d", "@request.json", "-w", "%{http_code}", plain + "/infer"}).out,
              testing::EndsWith("}503"));
  EXPECT_EQ(proxy.stop(), 0) << proxy.err();
}

TEST_F(Serve, OutlivesItsWorker) {
  auto body = worker();
  const uint16_t port = body->port();
  const auto head = server(port);
  wait_ready();
  EXPECT_EQ(run(infer()).code, 0);
  body->signal(SIGKILL);
  EXPECT_EQ(body->wait(), -SIGKILL);
  const test::Finished without = run(infer());
  EXPECT_EQ(without.code, 1);
  EXPECT_THAT(without.err, HasSubstr("status 503: "));
  body = worker(port);
  EXPECT_EQ(body->port(), port);
  wait_ready();
  EXPECT_EQ(run(infer({"-o", "got.npy"})).code, 0);
  EXPECT_EQ(head->stop(), 0);
}

TEST_F(Serve, WhatIsNotTrustedIsRefused) {
  const auto head = server(1);
  const auto refused = [&](const Arguments& arguments, const std::string& part) {
    fails(arguments, 3, part);
  };
  refused({"infer", url_, "--input", "x.npy"}, "simulated mode");
  refused({"proxy", url_, "--listen", "127.0.0.1:0"}, "simulated mode");
  refused({"infer", url_, "--input", "x.npy", "--allow-simulated", "--min-version", "8"},
          "bundle.version: 7, want 8 or later");
  done({"keygen", "--signing", "-o", "other", "--no-password"});
  refused({"infer", url_, "--input", "x.npy", "--allow-simulated", "--signer", "other.pub"},
          "sign");
  const std::string plain = "http" + url_.substr(5);
  fails({"infer", plain, "--input", "x.npy", "--allow-simulated"}, 2, "want https://");

  // The server refuses as well.
  const auto cloisterd = [&](const Arguments& arguments, int code, const std::string& part) {
    const test::Finished finished = run_program(CLOISTERD, arguments, options_);
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.err, HasSubstr(part));
  };
  Arguments other_signer = server_arguments(1);
  other_signer[5] = "other.pub";
  cloisterd(other_signer, 3, "cloisterd: ");
  Arguments other_key = server_arguments(1);
  done({"keygen", "--encryption", "-o", "other.txt"});
  other_key[3] = "other.txt";
  cloisterd(other_key, 3, "head");
  Arguments newer = server_arguments(1);
  newer.insert(newer.end(), {"--min-version", "8"});
  cloisterd(newer, 3, "version");
}

TEST_F(Serve, WrongFlagsAreSaidToBe) {
  const auto wrong = [&](const char* program, const Arguments& arguments, int code,
                         const std::string& part) {
    const test::Finished finished = run_program(program, arguments, options_);
    const std::string shown = testing::PrintToString(arguments) + "\n" + finished.err;
    EXPECT_EQ(finished.code, code) << shown;
    EXPECT_EQ(finished.out, "") << shown;
    EXPECT_THAT(finished.err, HasSubstr(part)) << shown;
  };
  const Arguments bundle = {"--bundle", "net.cloister"};
  const auto with = [](Arguments all, const Arguments& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  for (const char* program : {CLOISTERD, CLOISTER_WORKER}) {
    wrong(program, {}, 2, "--bundle is required");
    wrong(program, {"--bundle", "none"}, 1, "none");
    wrong(program, {"--bundle", "x.npy"}, 1, "x.npy");
    wrong(program, with(bundle, {"--surprise"}), 2, "--surprise");
    wrong(program, with(bundle, {"--queue", "0"}), 2, "--queue");
  }
  wrong(CLOISTER_WORKER, with(bundle, {"--listen", "nowhere"}), 2, "want HOST:PORT");
  wrong(CLOISTER_WORKER, with(bundle, {"--tls-cert", "a.pem"}), 2, "--tls-key");
  const Arguments identity = with(bundle, {"--identity", "key.txt"});
  wrong(CLOISTERD, with(identity, {"--worker", "gpu:8000"}), 1, "gpu:8000");
  wrong(CLOISTERD, identity, 2, "the plan needs a worker");
  wrong(CLOISTERD, with(identity, {"--worker", "http://h", "--listen", "x"}), 2, "want HOST:PORT");
  wrong(CLOISTERD, with(identity, {"--identity-fd", "3"}), 2, "--identity");
  wrong(CLOISTERD, with(bundle, {"--identity", "none"}), 1, "none");
  wrong(CLOISTERD, with(bundle, {"--worker", "http://h"}), 3, "head");
}

TEST_F(Serve, APortThatIsTakenIsSaidToBe) {
  const auto body = worker();
  const test::Finished second = run_program(
      CLOISTER_WORKER,
      {"--bundle", "net.cloister", "--listen", fmt::format("127.0.0.1:{}", body->port())},
      options_);
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("127.0.0.1"));
}

}  // namespace
}  // namespace cloister
