// Workers that fail, stall and lie, as clients of the trusted server see them.
#include <limits>

#include "client/client.h"
#include "tests/support/patience.h"
#include "tests/support/served_model.h"
#include "tests/tee/hostile_answers.h"

namespace cloister::serving {
namespace {

using test::Asked;
using test::changes;
using test::HostileAnswer;
using test::HostileWorker;
using test::RawSocket;
using test::says;
using test::Sealed;
using test::some_rows;
using test::stall;
using test::value_of;
using testing::HasSubstr;

constexpr const char* kHostile = "cloister_worker_failures_total{reason=\"";

// A server, its workers, and a client.
class HostileWorkers : public testing::Test {
 protected:
  std::unique_ptr<HostileWorker> hostile_worker() const {
    const auto engine = value_of(make_onnxruntime());
    return std::make_unique<HostileWorker>(
        value_of(engine->load(value_of(sealed_.open().segment("body", {})))));
  }

  void start(const std::vector<uint16_t>& ports) {
    TrustedServerParts parts = sealed_.parts(ports);
    parts.config.worker_timeout_s = 0.2;
    parts.config.quarantine_s = 0.05;
    parts.config.verify_rate = verify_rate_;
    server_ = value_of(TrustedServer::start(sealed_.open(), std::move(parts)));
    ASSERT_TRUE(test::wait_ready(*server_, cloister::test::kPatience));
    connection_ =
        value_of(VerifiedConnection::open(test::url_of(*server_), sealed_.verify_options()));
  }

  Result<Tensor> ask() {
    TRY(outputs, infer(*connection_, {{"x", x_}}, {}));
    return outputs[0].tensor;
  }

  void expect_right(const Result<Tensor>& got) {
    ASSERT_TRUE(got) << got.error().message;
    const auto difference = compare(got->view(), want_.view());
    EXPECT_TRUE(difference && difference->relative() <= 1e-6);
  }

  std::string metrics() const {
    const net::Url url{.host = "127.0.0.1", .port = server_->metrics_port()};
    const auto connection = value_of(net::Connection::open(url, {}, cloister::test::kPatience));
    return test::text_of(
        value_of(connection->exchange({.target = "/metrics"}, {}, cloister::test::kPatience)));
  }

  // A counter or gauge; 0 when it is not there.
  double metric(const std::string& name) const {
    const std::string text = metrics();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
  }

  double failures(const std::string& reason, uint16_t port) const {
    return metric(fmt::format("{}{}\",worker=\"127.0.0.1:{}\"}}", kHostile, reason, port));
  }

  bool eventually_up(uint16_t port) const {
    const std::string up = fmt::format("cloister_worker_up{{worker=\"127.0.0.1:{}\"}}", port);
    return test::eventually([&] { return metric(up) == 1; });
  }

  const Sealed sealed_{std::vector<std::string>{"h1"}};
  const Tensor x_ = some_rows(2, 0.5);
  const Tensor want_ = sealed_.expected(x_);
  double verify_rate_ = 0;
  std::unique_ptr<TrustedServer> server_;
  std::unique_ptr<VerifiedConnection> connection_;
};

TEST_F(HostileWorkers, GiveClientsA503AndNothingElse) {
  const auto hostile = hostile_worker();
  start({hostile->port()});
  for (const HostileAnswer& c : test::hostile_answers()) {
    SCOPED_TRACE(c.name);
    hostile->set_script(c.script);
    const double before = failures(c.reason, hostile->port());
    test::expect_error(ask(), Kind::kUnavailable,
                       std::string(c.reason) == "busy" ? "status 503: the worker is busy"
                                                       : "status 503: the worker failed");
    EXPECT_EQ(failures(c.reason, hostile->port()), before + 1);
    // Once it behaves, it is asked again.
    hostile->set_script(HostileWorker::honest);
    ASSERT_TRUE(test::wait_ready(*server_, cloister::test::kPatience));
    expect_right(ask());
  }
}

TEST_F(HostileWorkers, AreReplacedWithinTheRequest) {
  const auto hostile = hostile_worker();
  const auto honest = sealed_.start_worker();
  start({hostile->port(), honest->port()});
  for (const HostileAnswer& c : test::hostile_answers()) {
    SCOPED_TRACE(c.name);
    hostile->set_script(HostileWorker::honest);
    ASSERT_TRUE(eventually_up(hostile->port()));
    ASSERT_TRUE(eventually_up(honest->port()));
    hostile->set_script(c.script);
    const double before = failures(c.reason, hostile->port());
    // For a while it may be the last to be asked.
    ASSERT_TRUE(test::eventually([&] {
      expect_right(ask());
      return failures(c.reason, hostile->port()) > before;
    }));
  }
}

TEST_F(HostileWorkers, CantReplayTheAnswerToAnOlderRequest) {
  const auto hostile = hostile_worker();
  start({hostile->port()});
  std::mutex mutex;
  std::string older;
  hostile->set_script(says([&](const Asked& asked) {
    const std::scoped_lock lock(mutex);
    if (older.empty()) older = asked.honest_bytes();
    return older;
  }));
  expect_right(ask());
  test::expect_error(ask(), Kind::kUnavailable, "the worker failed");
  EXPECT_EQ(failures("invalid_reply", hostile->port()), 1);
}

TEST_F(HostileWorkers, ThatAnswerTwiceAreNotHeardTwice) {
  const auto hostile = hostile_worker();
  start({hostile->port()});
  hostile->set_script(
      says([](const Asked& asked) { return asked.honest_bytes() + asked.honest_bytes(); }));
  for (int i = 0; i < 5; ++i) expect_right(ask());
  // The second answer comes on its own, perhaps when the next request is on its way.
  hostile->set_script([](RawSocket& socket, const Asked& asked) {
    socket.send(asked.honest_bytes());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return socket.send(asked.honest_bytes());
  });
  for (int i = 0; i < 20; ++i) {
    const auto got = ask();
    if (got) expect_right(got);
    ASSERT_TRUE(test::wait_ready(*server_, cloister::test::kPatience));
  }
}

TEST_F(HostileWorkers, ThatCloseIdleConnectionsAreAskedAgainAtOnce) {
  const auto hostile = hostile_worker();
  start({hostile->port()});
  hostile->set_script([](RawSocket& socket, const Asked& asked) {
    socket.send(asked.honest_bytes());
    return false;
  });
  for (int i = 0; i < 20; ++i) expect_right(ask());
}

TEST_F(HostileWorkers, CanGiveNoValuesThatAreNotFiniteUnseen) {
  const auto hostile = hostile_worker();
  start({hostile->port()});
  hostile->set_script(changes([](oip::InferResponse& r) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(r.outputs[0].tensor.mutable_data().data() + 16, &nan, 4);
  }));
  const auto got = ask();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(std::isnan(got->as<float>()[4]));
  EXPECT_EQ(metric("cloister_non_finite_results_total"), 1);
  test::expect_error(infer(*connection_, {{"x", x_}}, {.encoding = oip::Encoding::kJson}),
                     Kind::kInternal, "is not finite");
}

TEST_F(HostileWorkers, AreFoundOutByComputingAgain) {
  verify_rate_ = 1;
  const auto hostile = hostile_worker();
  start({hostile->port()});
  int lies = 0;
  for (const float wrong : {1e3F, -1e3F, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity()}) {
    hostile->set_script(changes([wrong](oip::InferResponse& r) {
      std::memcpy(r.outputs[0].tensor.mutable_data().data() + 16, &wrong, 4);
    }));
    expect_right(ask());
    EXPECT_EQ(failures("invalid_reply", hostile->port()), ++lies);
    hostile->set_script(HostileWorker::honest);
    ASSERT_TRUE(test::wait_ready(*server_, cloister::test::kPatience));
    expect_right(ask());
  }
}

TEST_F(HostileWorkers, OfAnotherModelAreNotAsked) {
  const auto hostile = hostile_worker();
  const auto honest = sealed_.start_worker();
  const char* const metadata[] = {
      "",
      "{}",
      "[]",
      R"({"name":"m","platform":"p","inputs":[],"outputs":[]})",
      R"({"name":"m","inputs":[{"name":"h1","datatype":"FP32","shape":[-1,32]}],"outputs":[]})",
      R"({"name":"m","inputs":[{"name":"h1","datatype":"FP64","shape":[-1,32]}],
          "outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]})",
      R"({"name":"m","inputs":[{"name":"h2","datatype":"FP32","shape":[-1,32]}],
          "outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]})",
      R"({"name":"m","inputs":[{"name":"h1","datatype":"FP32","shape":[-1,64]}],
          "outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]})",
      R"({"name":"m","inputs":[{"name":"h1","datatype":"FP32","shape":[-1,32]}],
          "outputs":[{"name":"y","datatype":"FP32","shape":[-1,4]}]})",
  };
  for (const char* json : metadata) {
    SCOPED_TRACE(json);
    hostile->set_metadata(json);
    start({hostile->port(), honest->port()});
    const int before = hostile->asked();
    for (int i = 0; i < 3; ++i) expect_right(ask());
    EXPECT_EQ(hostile->asked(), before);
  }
}

TEST_F(HostileWorkers, AreNoMatchForAClientInAHurry) {
  const auto hostile = hostile_worker();
  start({hostile->port()});
  hostile->set_script(stall);
  const auto hurry = [&](int64_t micros) {
    oip::InferRequest request{
        .id = "1", .parameters = {{"timeout", micros}}, .inputs = {{"x", x_}}};
    auto body =
        serving::http_body(value_of(oip::write_infer_request(request, oip::Encoding::kJson)));
    return value_of(connection_->exchange(
        {.method = "POST", .target = "/v2/models/small/infer", .fields = std::move(body.fields)},
        std::move(body.body), cloister::test::kPatience));
  };
  for (const int64_t micros : {1, 200, 2'000, 50'000}) {
    const net::Response response = hurry(micros);
    EXPECT_EQ(response.status, 504U) << micros;
    EXPECT_THAT(test::text_of(response), HasSubstr("within the time allowed"));
    EXPECT_EQ(response.fields.count("Retry-After"), 0U);
    EXPECT_TRUE(server_->ready()) << "one client's hurry took the worker from all";
  }
  EXPECT_EQ(failures("stalled", hostile->port()), 0);
  EXPECT_EQ(failures("lost", hostile->port()), 0);
  hostile->set_script(HostileWorker::honest);
  expect_right(ask());
}

}  // namespace
}  // namespace cloister::serving
