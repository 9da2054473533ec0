// The programs that serve, started, asked and stopped as a user would.
#include <fstream>

#include "data/encoder_json.h"
#include "net/tls.h"
#include "tests/e2e/serving.h"
#include "tests/support/net.h"
#include "tests/support/patience.h"

namespace cloister {
namespace {

using test::Arguments;
using test::Background;
using testing::HasSubstr;
using Json = nlohmann::json;

class Serve : public test::Serving {};

TEST_F(Serve, FromKeysToAnswers) {
  const auto body = worker();
  const auto head = server(body->port());
  wait_ready();

  write("rows.csv", "n\n1\n");
  const test::Finished rows = run({"infer", url_, "--csv", "rows.csv", "--allow-simulated"});
  EXPECT_EQ(rows.code, 2);
  EXPECT_THAT(rows.err, HasSubstr("it has no encoding.json"));
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

TEST_F(Serve, LibTorchRunsTheBody) {
  if (!fs::exists(program_.parent_path() / "cloister-train")) {
    GTEST_SKIP() << "a build without LibTorch";
  }
  const auto body = worker(0, {"--engine", "torch"});
  const auto head = server(body->port());
  wait_ready();
  const test::Finished done = run(infer({"-o", "got.npy"}));
  EXPECT_EQ(done.code, 0) << done.err;
  const auto got = read_npy(dir_ / "got.npy");
  ASSERT_TRUE(got);
  const auto values = got->as<float>();
  expect_same_values({values.begin(), values.end()});
}

// Rows become what the bundle's own record says, whatever is in the table that they stand in.
TEST_F(Serve, RowsOfATable) {
  audit::Encoding encoding{.table = {.label = "kind"}, .width = 16};
  for (int i = 0; i < 13; ++i) {
    encoding.columns.push_back({.code = {.name = fmt::format("n{}", i), .centre = 1, .spread = 2}});
  }
  encoding.columns.push_back({.code = {.name = "proto", .categorical = true, .other = true},
                              .categories = {"tcp", "udp"}});
  const auto json = audit::encoding_json(encoding);
  ASSERT_TRUE(json) << json.error().message;
  write("encoding.json", *json);
  seal("net.cloister", 7, {"--encoding", "encoding.json"});

  std::string header, labelled, unlabelled;
  for (int i = 0; i < 13; ++i) header += fmt::format("n{},", i);
  std::vector<float> want;
  const char* const kProtocols[] = {"udp", "icmp", "tcp"};
  for (int row = 0; row < 3; ++row) {
    std::string line;
    for (int i = 0; i < 13; ++i) {
      line += fmt::format("{},", row + i);
      want.push_back(static_cast<float>(row + i - 1) / 2);
    }
    line += kProtocols[row];
    for (const char* slot : {"tcp", "udp", "icmp"}) {
      want.push_back(std::string_view(slot) == kProtocols[row] ? 1 : 0);
    }
    unlabelled += line + "\n";
    labelled += fmt::format("{},{}\n", line, row);
  }
  write("rows.csv", header + "proto\n" + unlabelled);
  write("labelled.csv", header + "proto,kind\n" + labelled);
  // Equal rows, more than fit into a request, labels that are missing or no classes.
  const std::string once = labelled.substr(0, labelled.find('\n') - 1);
  write("eleven.csv", header + "proto,kind\n" + once + "\n" + labelled + "\n" + labelled + once +
                          "?\n" + labelled);
  write("ragged.csv", header + "proto\n" + once + "\n" + once.substr(2, once.size() - 3) + "\n");
  write("less.csv", "n0,proto\n1,tcp\n");
  save("x.npy", *Tensor::copy_of(DType::kF32, {3, 16}, std::as_bytes(std::span(want))));
  done({"run", "net.onnx", "--input", "x.npy", "-o", "want.npy"});

  const auto body = worker();
  const auto head = server(body->port());
  wait_ready();
  const auto rows = [&](const std::string& file, int code, const std::string& part) {
    const test::Finished asked = run({"infer", url_, "--csv", file, "--allow-simulated", "--signer",
                                      "rel.pub", "-o", "got.npy"});
    EXPECT_EQ(asked.code, code) << asked.err;
    EXPECT_THAT(asked.err, HasSubstr(part));
  };
  for (const char* file : {"rows.csv", "labelled.csv"}) {
    fs::remove(dir_ / "got.npy");
    rows(file, 0,
         "warning: column 'proto': 1 row has what training did not see; the first, row 2 (line 3), "
         "is 'icmp', and is taken for one of the rare categories");
    const auto got = read_npy(dir_ / "got.npy");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->shape(), (Shape{3, 40}));
    const auto values = got->as<float>();
    expect_same_values({values.begin(), values.end()});
  }
  const test::Finished asked = run({"infer", url_, "--csv", "eleven.csv", "--allow-simulated",
                                    "--signer", "rel.pub", "-o", "got.npy", "--json"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  const Json report = Json::parse(asked.out);
  EXPECT_EQ(report["requests"], 2);
  EXPECT_EQ(report["top"].size(), 11U);
  EXPECT_EQ(report["items"], Json({"line 2", "line 3", "line 4", "line 5", "line 7", "line 8",
                                   "line 9", "line 10", "line 11", "line 12", "line 13"}));
  ASSERT_EQ(report["unseen"].size(), 3U);
  EXPECT_EQ(report["unseen"][0], Json({{"row", 3},
                                       {"line", 4},
                                       {"column", "proto"},
                                       {"value", "icmp"},
                                       {"taken_for", "one of the rare categories"}}));
  const auto got = read_npy(dir_ / "got.npy");
  const auto three = read_npy(dir_ / "want.npy");
  ASSERT_TRUE(got && three);
  ASSERT_EQ(got->shape(), (Shape{11, 40}));
  const size_t row_of[] = {0, 0, 1, 2, 0, 1, 2, 0, 0, 1, 2};
  for (size_t row = 0; row < 11; ++row) {
    for (size_t i = 0; i < 40; ++i) {
      EXPECT_NEAR(got->as<float>()[row * 40 + i], three->as<float>()[row_of[row] * 40 + i], 1e-4)
          << row << " " << i;
    }
  }
  EXPECT_THAT(run({"infer", url_, "--csv", "rows.csv", "--allow-simulated"}).out,
              HasSubstr("\nline 4\n"));
  rows("ragged.csv", 1, "'ragged.csv': line 3: 13 cells, the header has 14");
  rows("less.csv", 2, "column 'n1' is not among the 2");
  rows("none.csv", 1, "none.csv");
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
  const test::Finished page = curl({"-H", "Host: evil.example", "-w", "%{http_code}", plain});
  EXPECT_THAT(page.out, HasSubstr("Host is 'evil.example'"));
  EXPECT_THAT(page.out, testing::EndsWith("}421"));

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

// SIGHUP: other workers and another certificate, without a restart.
TEST_F(Serve, ReadsAgainWhatMayChange) {
  const auto write_certificate = [&] {
    const auto identity = net::make_tls_identity({"127.0.0.1"}, test::now_s());
    ASSERT_TRUE(identity);
    write("cert.pem", identity->certificate_pem);
    write("cert.key", identity->key_pem);
  };
  const auto body = worker();
  write("workers.txt", "# ours\n\n  " + worker_url(body->port()) + " \n");
  write_certificate();
  Background head(CLOISTERD,
                  {"--bundle", "net.cloister", "--identity", "key.txt", "--signer", "rel.pub",
                   "--workers-file", "workers.txt", "--tls-cert", "cert.pem", "--tls-key",
                   "cert.key", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"},
                  dir_.path(), "server");
  url_ = fmt::format("https://127.0.0.1:{}", head.port());
  wait_ready();
  const auto fetch_ready = [&] {
    return curl({"--cacert", "cert.pem", "--fail", url_ + "/v2/health/ready"}).code;
  };
  EXPECT_EQ(fetch_ready(), 0);
  const auto metrics = [&] {
    return curl({fmt::format("http://127.0.0.1:{}/metrics",
                             head.first_line()["metrics_port"].get<int>())})
        .out;
  };

  Background other(CLOISTER_WORKER, {"--bundle", "net.cloister", "--listen", "127.0.0.1:0"},
                   dir_.path(), "other");
  write("workers.txt", worker_url(other.port()) + "\n");
  write_certificate();
  EXPECT_NE(fetch_ready(), 0) << "it has the certificate that it had";
  head.signal(SIGHUP);
  const std::string up =
      fmt::format("cloister_worker_up{{worker=\"127.0.0.1:{}\"}} 1", other.port());
  EXPECT_TRUE(test::eventually([&] { return metrics().contains(up); })) << head.err();
  EXPECT_THAT(metrics(), testing::Not(HasSubstr(fmt::format(":{}\"}}", body->port()))));
  EXPECT_TRUE(test::eventually([&] { return fetch_ready() == 0; })) << head.err();
  EXPECT_EQ(body->stop(), 0);
  EXPECT_EQ(run(infer()).code, 0);

  // What can't be used changes nothing.
  write("workers.txt", "gpu-1:8000\n");
  write("cert.key", "none");
  head.signal(SIGHUP);
  EXPECT_TRUE(test::eventually([&] { return head.err().contains("kept=certificate"); }));
  EXPECT_THAT(head.err(), HasSubstr("kept=workers"));
  EXPECT_EQ(run(infer()).code, 0);
  EXPECT_EQ(head.stop(), 0);
}

// SIGHUP: a newer bundle, and the worker that has its body.
TEST_F(Serve, ServesANewerBundle) {
  const auto first = worker();
  write("workers.txt", worker_url(first->port()) + "\n");
  Background head(CLOISTERD,
                  {"--bundle", "net.cloister", "--identity", "key.txt", "--signer", "rel.pub",
                   "--workers-file", "workers.txt", "--listen", "127.0.0.1:0"},
                  dir_.path(), "server");
  url_ = fmt::format("https://127.0.0.1:{}", head.port());
  wait_ready();
  const auto version = [&] {
    const test::Finished asked = run(infer({"--json"}));
    return asked.code == 0 ? Json::parse(asked.out)["version"].get<int>() : -1;
  };
  EXPECT_EQ(version(), 7);

  // What can't be served changes nothing, nor do workers that are named for it.
  const auto replace = [&](uint64_t number) {
    seal("next.cloister", number);
    fs::rename(dir_ / "next.cloister", dir_ / "net.cloister");
  };
  replace(6);
  write("workers.txt", worker_url(1) + "\n");
  head.signal(SIGHUP);
  EXPECT_TRUE(test::eventually([&] { return head.err().contains("kept=\"bundle and workers\""); }));
  EXPECT_THAT(head.err(), HasSubstr("it has version 6, want one after 7"));
  EXPECT_EQ(version(), 7);

  replace(8);
  const auto second = worker();
  write("workers.txt", worker_url(second->port()) + "\n");
  head.signal(SIGHUP);
  EXPECT_TRUE(test::eventually([&] { return head.err().contains("bundle replaced"); }))
      << head.err();
  EXPECT_EQ(version(), 8);
  EXPECT_EQ(first->stop(), 0);
  EXPECT_EQ(version(), 8);
  EXPECT_EQ(head.stop(), 0);
}

// A worker on the same machine, over shared memory.
TEST_F(Serve, SharesMemoryWithAWorker) {
  const std::string socket = (dir_ / "body.sock").string();
  auto body = worker(0, {"--shared-memory", socket});
  Arguments arguments = server_arguments(1);
  arguments[7] = "unix:" + socket;
  Background head(CLOISTERD, arguments, dir_.path(), "server");
  url_ = fmt::format("https://127.0.0.1:{}", head.port());
  wait_ready();
  const auto answers = [&] {
    const test::Finished asked = run(infer({"-o", "got.npy"}));
    if (asked.code != 0) return asked.code;
    const auto got = read_npy(dir_ / "got.npy");
    const auto values = got->as<float>();
    expect_same_values({values.begin(), values.end()});
    return 0;
  };
  EXPECT_EQ(answers(), 0);
  // Killed, it leaves its socket; another one takes it over.
  body->signal(SIGKILL);
  EXPECT_EQ(body->wait(), -SIGKILL);
  EXPECT_EQ(answers(), 1);
  body = worker(0, {"--shared-memory", socket});
  wait_ready();
  EXPECT_EQ(answers(), 0);
  EXPECT_EQ(body->stop(), 0) << body->err();
  EXPECT_FALSE(fs::exists(socket));
  EXPECT_EQ(head.stop(), 0) << head.err();
  EXPECT_THAT(head.err(), HasSubstr("worker=unix:" + socket));
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
  const test::Finished worker =
      run_program(CLOISTER_WORKER, {"--bundle", "net.cloister", "--signer", "other.pub"}, options_);
  EXPECT_EQ(worker.code, 3) << worker.err;
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
  wrong(CLOISTERD, with(identity, {"--worker", "gpu:8000"}), 2, "gpu:8000");
  wrong(CLOISTERD, identity, 2, "the plan needs a worker");
  wrong(CLOISTERD, with(identity, {"--worker", "http://h", "--listen", "x"}), 2, "want HOST:PORT");
  wrong(CLOISTERD, with(identity, {"--identity-fd", "3"}), 2, "--identity");
  wrong(CLOISTERD, with(bundle, {"--identity", "none"}), 1, "none");
  wrong(CLOISTERD, with(bundle, {"--worker", "http://h"}), 3, "head");
}

TEST_F(Serve, TheHostsEnvironmentConfiguresNothing) {
  // With it, OpenSSL would load a library of the host's choice, and fail here since there is none.
  write("evil.cnf",
        "config_diagnostics = 1\nopenssl_conf = all\n[all]\nproviders = some\n[some]\n"
        "evil = one\n[one]\nmodule = /nonexistent/evil.so\nactivate = 1\n");
  ::setenv("OPENSSL_CONF", (dir_ / "evil.cnf").c_str(), 1);
  const auto head = server(1);
  EXPECT_GT(head->port(), 0);
  EXPECT_TRUE(head->says("serving"));
  ::unsetenv("OPENSSL_CONF");
  std::ifstream proc(fmt::format("/proc/{}/limits", head->pid()));
  const std::string limits{std::istreambuf_iterator<char>(proc), {}};
  EXPECT_THAT(limits, testing::ContainsRegex("Max core file size +0 +0"));
  EXPECT_EQ(head->stop(), 0);
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
