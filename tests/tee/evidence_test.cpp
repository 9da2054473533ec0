#include "tee/evidence.h"

#include <atomic>
#include <thread>

#include "tests/support/attested_server.h"

namespace cloister::serving {
namespace {

using test::Sealed;
using test::value_of;
using testing::HasSubstr;

class Evidence : public testing::Test {
 protected:
  static const Sealed& sealed() {
    static const Sealed made({"h1"});
    return made;
  }

  net::Response ask(const std::string& method, const std::string& body) {
    return value_of(connection_->exchange({.method = method, .target = attest::kExchangeTarget},
                                          {net::shared_text(body)}, net::Seconds(20)));
  }

  test::AttestedServer server_{test::honest_exchange(sealed())};
  std::unique_ptr<net::Connection> connection_ = value_of(net::Connection::open(
      server_.url(), {.trust = net::ClientOptions::Trust::kCallerChecks}, net::Seconds(20)));
};

TEST_F(Evidence, HandsOverPublicFilesOnly) {
  const auto reply = value_of(attest::parse_reply(test::text_of(
      ask("POST",
          attest::write_request({.files = {"labels.txt", "plan.json", "head.onnx.age", "body.onnx",
                                           "manifest.json", "../../etc/passwd", "audit.json"}})))));
  std::vector<std::string> names;
  for (const auto& [name, text] : reply.files) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("labels.txt", "plan.json"));
  EXPECT_EQ(reply.manifest_json, sealed().open().manifest_json());
}

TEST_F(Evidence, IsNewForEachNonce) {
  attest::Nonce other;
  other.bytes.fill(std::byte{1});
  const std::string first = test::text_of(ask("POST", attest::write_request({})));
  EXPECT_EQ(first, test::text_of(ask("POST", attest::write_request({}))));
  EXPECT_NE(first, test::text_of(ask("POST", attest::write_request({.nonce = other}))));
}

TEST_F(Evidence, SaysWhatItCantGive) {
  const net::Response kinds = ask("POST", attest::write_request({.kinds = {"snp", "tdx"}}));
  EXPECT_EQ(kinds.status, 403U);
  EXPECT_THAT(test::text_of(kinds), HasSubstr("this server has only simulated evidence"));
  EXPECT_EQ(ask("POST", attest::write_request({.kinds = {"snp", "simulated"}})).status, 200U);
  for (const char* body : {"", "{}", "[", "nonce"}) EXPECT_EQ(ask("POST", body).status, 400U);
  const net::Response get = ask("GET", "");
  EXPECT_EQ(get.status, 405U);
  EXPECT_EQ(*get.fields.find("Allow"), "POST");
}

// A producer that does what a test says, and counts.
class Made : public attest::Attester {
 public:
  using Produce = std::function<Result<attest::AttestedEvidence>(const attest::ReportData&)>;
  explicit Made(Produce produce) : produce_(std::move(produce)) {}

  attest::EvidenceKind kind() const override { return attest::EvidenceKind::kTpm; }
  std::string source() const override { return "a test"; }
  Result<attest::AttestedEvidence> produce(const attest::ReportData& data) override {
    ++calls;
    return produce_(data);
  }

  std::atomic<int> calls = 0;

 private:
  Produce produce_;
};

// The service with such a producer, behind a server that answers everything else at once.
class Service {
 public:
  Service(const Sealed& sealed, std::shared_ptr<Made> made, const EvidenceOptions& options = {})
      : evidence_(test::evidence_of(sealed, std::move(made), options)),
        server_(value_of(net::Server::start({.tls = test::AttestedServer::identity()},
                                            [this](net::Request request, net::Respond respond) {
                                              if (request.target != attest::kExchangeTarget) {
                                                return respond(net::text_response(200, "text/plain",
                                                                                  "an answer"));
                                              }
                                              evidence_->answer(request, std::move(respond));
                                            }))) {}

  std::unique_ptr<net::Connection> connect() const {
    return value_of(net::Connection::open(
        {.tls = true, .host = "127.0.0.1", .port = server_->port()},
        {.trust = net::ClientOptions::Trust::kCallerChecks}, net::Seconds(20)));
  }
  static net::Response ask(net::Connection& connection) {
    return value_of(connection.exchange({.method = "POST", .target = attest::kExchangeTarget},
                                        {net::shared_text(attest::write_request({}))},
                                        net::Seconds(20)));
  }
  net::Response ask() const { return ask(*connect()); }
  std::string_view mode() const { return evidence_->mode(); }

 private:
  std::unique_ptr<EvidenceService> evidence_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(Evidence, TheModeIsWhatTheKindProtects) {
  const Service service(
      sealed(), std::make_shared<Made>([](const attest::ReportData&) {
        return attest::AttestedEvidence{.evidence = {.kind = attest::EvidenceKind::kTpm}};
      }));
  EXPECT_EQ(service.mode(), "tpm");
  const auto reply = value_of(attest::parse_reply(test::text_of(service.ask())));
  EXPECT_EQ(value_of(attest::parse_statement(reply.statement_json)).mode, "tpm");
}

TEST_F(Evidence, AProducerThatFailsIsSaidToHave) {
  const Service service(sealed(), std::make_shared<Made>([](const attest::ReportData&) {
                          return Result<attest::AttestedEvidence>(
                              fail(Kind::kUnavailable, "the quoting service is busy"));
                        }));
  const net::Response response = service.ask();
  EXPECT_EQ(response.status, 503U);
  EXPECT_NE(response.fields.find("Retry-After"), nullptr);
  EXPECT_THAT(test::text_of(response), HasSubstr("the evidence source failed"));
}

TEST_F(Evidence, IsMadeSoManyTimesASecond) {
  const auto made = std::make_shared<Made>([](const attest::ReportData&) {
    return attest::AttestedEvidence{.evidence = {.kind = attest::EvidenceKind::kTpm}};
  });
  const Service service(sealed(), made, {.per_second = 1e-6, .burst = 3});
  const auto connection = service.connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Service::ask(*connection).status, 200U);
  for (int i = 0; i < 5; ++i) {
    const net::Response response = Service::ask(*connection);
    EXPECT_EQ(response.status, 503U);
    EXPECT_THAT(test::text_of(response), HasSubstr("the rate limit is exceeded"));
  }
  EXPECT_EQ(made->calls, 3);
}

TEST_F(Evidence, WhoWaitsForItKeepsNobodyElseWaiting) {
  std::promise<void> go;
  const auto made =
      std::make_shared<Made>([gate = go.get_future().share()](const attest::ReportData&) {
        gate.wait();
        return attest::AttestedEvidence{.evidence = {.kind = attest::EvidenceKind::kTpm}};
      });
  const Service service(sealed(), made, {.queue = 1});
  std::vector<std::thread> askers;
  std::atomic<int> given = 0;
  std::atomic<int> refused = 0;
  const auto ask = [&] { ++(service.ask().status == 200 ? given : refused); };
  askers.emplace_back(ask);
  while (made->calls == 0) std::this_thread::yield();
  // One is being made, one waits, and there is no room for two more.
  for (int i = 0; i < 3; ++i) askers.emplace_back(ask);
  while (refused < 2) std::this_thread::yield();
  const net::Response other =
      value_of(service.connect()->exchange({.method = "GET", .target = "/"}, {}, net::Seconds(20)));
  EXPECT_EQ(test::text_of(other), "an answer");
  EXPECT_EQ(given, 0);
  go.set_value();
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(given, 2);
  EXPECT_EQ(refused, 2);
}

// A meter whose words a test can count.
class Counted {
 public:
  EvidenceMeter meter() {
    return {.asked = [this](const std::string& outcome) { ++count(outcome); },
            .produced = [this](double seconds) { produced += seconds >= 0 ? 1 : 0; }};
  }
  std::atomic<int>& count(const std::string& outcome) {
    const std::scoped_lock lock(mutex_);
    return counts_[outcome];
  }
  std::atomic<int> produced = 0;

 private:
  std::mutex mutex_;
  std::map<std::string, std::atomic<int>> counts_;
};

// A producer that answers nobody until it is released, as a TPM that hangs.
class Hung {
 public:
  net::Response other() const {
    return value_of(
        service->connect()->exchange({.method = "GET", .target = "/"}, {}, net::Seconds(20)));
  }

  std::promise<void> go;
  std::shared_ptr<Made> made =
      std::make_shared<Made>([gate = go.get_future().share()](const attest::ReportData&) {
        gate.wait();
        return attest::AttestedEvidence{.evidence = {.kind = attest::EvidenceKind::kTpm}};
      });
  std::optional<Service> service;
};

TEST_F(Evidence, AProducerThatHangsKeepsNobodyWaiting) {
  Counted counted;
  Hung hung;
  hung.service.emplace(
      sealed(), hung.made,
      EvidenceOptions{.longest_wait = std::chrono::milliseconds(100), .meter = counted.meter()});
  std::vector<std::thread> askers;
  for (int i = 0; i < 3; ++i) {
    askers.emplace_back([&] {
      const net::Response response = hung.service->ask();
      EXPECT_EQ(response.status, 503U);
      EXPECT_NE(response.fields.find("Retry-After"), nullptr);
    });
  }
  for (std::thread& asker : askers) asker.join();
  // Now it is known that it hangs: nobody who comes waits at all.
  ASSERT_TRUE(test::eventually([&] {
    const net::Response response = hung.service->ask();
    EXPECT_EQ(response.status, 503U);
    return test::text_of(response).find("has not answered for") != std::string::npos;
  }));
  EXPECT_EQ(test::text_of(hung.other()), "an answer");
  EXPECT_EQ(hung.made->calls, 1);
  EXPECT_GE(counted.count("deadline"), 4);
  EXPECT_EQ(counted.produced, 0);
  hung.go.set_value();
  EXPECT_TRUE(test::eventually([&] { return hung.service->ask().status == 200; }));
  EXPECT_EQ(counted.count("ok"), 1);
}

TEST_F(Evidence, IsCountedByOutcome) {
  Counted counted;
  std::atomic<bool> works = true;
  const auto made =
      std::make_shared<Made>([&](const attest::ReportData&) -> Result<attest::AttestedEvidence> {
        if (!works) return fail(Kind::kIo, "broken");
        return attest::AttestedEvidence{.evidence = {.kind = attest::EvidenceKind::kTpm}};
      });
  const Service service(sealed(), made, {.per_second = 1e-6, .burst = 3, .meter = counted.meter()});
  EXPECT_EQ(service.ask().status, 200U);
  EXPECT_EQ(service.ask().status, 200U);
  works = false;
  EXPECT_EQ(service.ask().status, 503U);
  EXPECT_EQ(service.ask().status, 503U);
  EXPECT_EQ(counted.count("ok"), 2);
  EXPECT_EQ(counted.count("internal"), 1);
  EXPECT_EQ(counted.count("quota"), 1);
  EXPECT_EQ(counted.produced, 3);
}

TEST_F(Evidence, AProducerThatHangsDoesNotKeepTheServerFromEnding) {
  Hung hung;
  hung.service.emplace(sealed(), hung.made,
                       EvidenceOptions{.longest_wait = std::chrono::milliseconds(100)});
  std::thread asker([connection = hung.service->connect()] {
    EXPECT_EQ(Service::ask(*connection).status, 503U);
  });
  ASSERT_TRUE(test::eventually([&] { return hung.made->calls == 1; }));
  asker.join();
  hung.service.reset();
  // What it uses is its own, until it is done.
  EXPECT_GT(hung.made.use_count(), 1);
  hung.go.set_value();
  EXPECT_TRUE(test::eventually([&] { return hung.made.use_count() == 1; }));
}

}  // namespace
}  // namespace cloister::serving
