#include "net/server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/net/server_fixture.h"

using namespace cloister;
using namespace cloister::net;
using test::answers;
using test::echo;
using test::eventually;
using test::expect_works;
using test::kGet;
using test::RawSocket;
using test::start;
using test::value_of;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

// Answers kept for later.
class Later {
 public:
  Handler handler() {
    return [this](Request, Respond respond) {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(respond));
      changed_.notify_all();
    };
  }
  Respond next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_.empty(); });
    Respond respond = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return respond;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Respond> waiting_;
};

}  // namespace

TEST(Server, AnswersAndKeepsTheConnection) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  socket.send("POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  const std::string response = socket.read_response();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"));
  EXPECT_THAT(response, testing::EndsWith("\r\n\r\nPOST /a?b=c hello"));
  expect_works(socket);
  EXPECT_EQ(server->connections(), 1U);
  socket.close();
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

// Open connections keep their handler, and are closed after an answer that is not their first.
TEST(Server, ReplacesItsHandlerForNewConnections) {
  const auto says = [](std::string text) -> Handler {
    return [text](Request, Respond respond) { respond(text_response(200, "text/plain", text)); };
  };
  auto kept = std::make_shared<int>(0);
  const auto server = start({}, [kept, first = says("first")](Request request, Respond respond) {
    first(std::move(request), std::move(respond));
  });
  RawSocket used = RawSocket::to(server->port());
  RawSocket fresh = RawSocket::to(server->port());
  ASSERT_TRUE(used.send(kGet));
  EXPECT_THAT(used.read_response(), testing::EndsWith("first"));
  ASSERT_TRUE(eventually([&] { return server->connections() == 2; }));

  server->replace_handler(says("second"),
                          [](const Request&) -> std::optional<Response> { return std::nullopt; });
  RawSocket later = RawSocket::to(server->port());
  ASSERT_TRUE(later.send(kGet));
  EXPECT_THAT(later.read_response(), testing::EndsWith("second"));
  ASSERT_TRUE(used.send(kGet));
  const std::string last = used.read_response();
  EXPECT_THAT(last, testing::AllOf(HasSubstr("Connection: close"), testing::EndsWith("first")));
  EXPECT_EQ(used.read_response(), "");
  ASSERT_TRUE(fresh.send(kGet));
  EXPECT_THAT(fresh.read_response(), testing::AllOf(testing::Not(HasSubstr("Connection: close")),
                                                    testing::EndsWith("first")));
  EXPECT_GT(kept.use_count(), 1);
  ASSERT_TRUE(fresh.send(kGet));
  EXPECT_THAT(fresh.read_response(), HasSubstr("Connection: close"));
  EXPECT_TRUE(eventually([&] { return kept.use_count() == 1; })) << "it went with its connections";
  ASSERT_TRUE(later.send(kGet));
  EXPECT_THAT(later.read_response(), testing::EndsWith("second"));
}

TEST(Server, TellsAboutTheRequest) {
  Request seen;
  const auto server = start({}, [&](Request request, Respond respond) {
    seen = std::move(request);
    respond({});
  });
  RawSocket socket = RawSocket::to(server->port());
  socket.send("PUT / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"));
  EXPECT_THAT(seen.peer, StartsWith("127.0.0.1:"));
  EXPECT_EQ(seen.connection, 1U);
  EXPECT_EQ(*seen.fields.find("x-a"), "1");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(seen.body.bytes.data()) % 64, 0U);
}

TEST(Server, ReadsBodiesOfAnyLength) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  for (const size_t size : {1, 100, 16'000, 16'384, 70'000, 3'000'000}) {
    const std::string body(size, 'b');
    std::thread sender([&] {
      socket.send(fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", size));
      socket.send(body);
    });
    const std::string response = socket.read_response();
    sender.join();
    EXPECT_TRUE(response.ends_with("POST / " + body)) << size;
  }
}

TEST(Server, ReadsChunks) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.send(head + "3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n");
  EXPECT_THAT(socket.read_response(), testing::EndsWith("POST / abc0123456789"));
  // Byte by byte, and chunks larger than any buffer.
  for (const char c : head + "1\r\nx\r\n0\r\n\r\n") socket.send({&c, 1});
  EXPECT_THAT(socket.read_response(), testing::EndsWith("POST / x"));
  const std::string big(300'000, 'c');
  socket.send(head + fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", big.size(), big));
  EXPECT_TRUE(socket.read_response().ends_with("POST / " + big));
  expect_works(socket);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Later later;
  const auto server = start({.threads = 2}, later.handler());
  RawSocket socket = RawSocket::to(server->port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += kGet;
  socket.send(requests);
  for (int i = 0; i < 20; ++i) {
    later.next()(text_response(200, "text/plain", std::to_string(i)));
    EXPECT_THAT(socket.read_response(), testing::EndsWith("\r\n\r\n" + std::to_string(i)));
  }
}

TEST(Server, ManyPipelinedRequestsAnsweredAtOnceNeedNoStack) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  constexpr int kCount = 20'000;
  std::thread sender([&] {
    std::string requests;
    for (int i = 0; i < kCount; ++i) requests += kGet;
    socket.send(requests);
    socket.end();
  });
  const std::string all = socket.read_all();
  sender.join();
  size_t count = 0;
  for (size_t at = 0; (at = all.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, size_t{kCount});
}

TEST(Server, CapsBodies) {
  const auto server = start({.max_body_bytes = 1000});
  EXPECT_THAT(answers(*server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("application/json"),
                             HasSubstr("Connection: close"), HasSubstr(R"({"error": ")")));
  EXPECT_THAT(answers(*server, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                   fmt::format("3e9\r\n{}\r\n0\r\n\r\n", std::string(1001, 'a'))),
              StartsWith("HTTP/1.1 413 "));
}

TEST(Server, CapsAllBodiesTogether) {
  Later later;
  const auto server = start({.max_total_body_bytes = 1000}, [&](Request request, Respond respond) {
    // As long as someone holds the body, it counts.
    later.handler()(Request{}, [body = request.body, respond = std::move(respond)](
                                   Response response) mutable { respond(std::move(response)); });
  });
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 600\r\n\r\n";
  RawSocket first = RawSocket::to(server->port());
  first.send(post + std::string(600, 'a'));
  Respond respond = later.next();
  EXPECT_THAT(answers(*server, post),
              testing::AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: ")));
  respond({});
  respond = nullptr;
  EXPECT_THAT(first.read_response(), StartsWith("HTTP/1.1 200 "));
  RawSocket second = RawSocket::to(server->port());
  second.send(post + std::string(600, 'a'));
  later.next()({});
  EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST(Server, PromisedBodiesTakeNoRoom) {
  const auto server = start({.max_total_body_bytes = 1'000'000});
  const auto post = [](size_t bytes) {
    return fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", bytes);
  };
  std::vector<RawSocket> promising;
  for (int i = 0; i < 5; ++i) {
    promising.push_back(RawSocket::to(server->port()));
    promising.back().send(post(900'000) + "a");
  }
  RawSocket good = RawSocket::to(server->port());
  good.send(post(300'000) + std::string(300'000, 'a'));
  EXPECT_THAT(good.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST(Server, MemoryThatRunsOutCostsOneConnection) {
  std::atomic<int> asked = 0;
  const auto server = start({}, [&](Request request, Respond respond) {
    ++asked;
    if (request.target == "/large") throw std::bad_alloc();
    echo(std::move(request), std::move(respond));
  });
  RawSocket other = RawSocket::to(server->port());
  expect_works(other);
  EXPECT_EQ(answers(*server, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  EXPECT_EQ(asked, 2);
  expect_works(other);
}

TEST(Server, AsksForTheBodyAfterTheGate) {
  std::atomic<bool> open = true;
  const auto server = start({}, echo, [&](const Request& request) -> std::optional<Response> {
    EXPECT_TRUE(request.body.bytes.empty());
    if (open) return std::nullopt;
    return text_response(401, "text/plain", "who?");
  });
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  RawSocket socket = RawSocket::to(server->port());
  socket.send(head);
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("abc");
  EXPECT_THAT(socket.read_response(), testing::EndsWith("POST / abc"));
  // Not when the body is there already.
  socket.send(head + "abc");
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 200 "));
  open = false;
  socket.send(head);
  EXPECT_THAT(socket.read_all(), testing::AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr("who?")));
}

TEST(Server, SaysWhatIsWrongAndCloses) {
  const auto server = start({.max_header_bytes = 2000});
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, const char*> kCases[] = {
      {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", "400"},
      {post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "400"},
      {post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", "400"},
      {post + "Content-Length: 1, 1\r\n\r\na", "400"},
      {post + "Content-Length: -1\r\n\r\n", "400"},
      {post + "Content-Length: +1\r\n\r\na", "400"},
      {post + "Content-Length: 0x1\r\n\r\na", "400"},
      {post + "Content-Length:\r\n\r\n", "400"},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n", "400"},
      {post + "Content-Length: 18446744073709551615\r\n\r\n", "413"},
      {post + "Transfer-Encoding: gzip\r\n\r\n", "400"},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n", "400"},
      {post + "Transfer-Encoding: chunked, chunked\r\n\r\n", "400"},
      {post + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {post + "Transfer-Encoding: xchunked\r\n\r\n", "400"},
      {post + "Transfer-Encoding : chunked\r\n\r\n", "400"},
      {post + "Expect: something\r\nContent-Length: 1\r\n\r\na", "417"},
      {chunked + "x\r\n", "400"},
      {chunked + "1\nab\r\n", "400"},
      {chunked + "-1\r\n", "400"},
      {chunked + "ffffffffffffffff\r\n", "413"},
      {chunked + "fffffffffffffffff\r\n", "400"},
      {chunked + "1\r\nabc\r\n", "400"},
      {chunked + "1;" + std::string(40'000, 'x'), "400"},
      {post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\tc\r\n\r\n", "400"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505"},
      {"GET / HTTP/1.12\r\nHost: a\r\n\r\n", "505"},
      {"GET /HTTP/1.2 HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", "505"},
      {"GET /\r\n\r\n", "400"},
      {"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http://h:x/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http://h/a#b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http://h/ HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", "400"},
      {"GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", "400"},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"GET h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\nHost: h\n\n", "505"},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GE T / HTTP/1.1\r\nHost: h\r\n\r\n", "505"},
      {"GET / HTTP/1.1\r\nHost: h\r\n bad: x\r\n y\r\nbad name: z\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", "400"},
      {std::string("GET / HTTP/1.1\r\nHost: h\r\nA: \0\r\n\r\n", 34), "400"},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", "431"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(2000, 'a') + "\r\n\r\n", "431"},
      {"GET /" + std::string(1500, 'a') + " HTTP/1.1\r\nHost: h\r\nA: " + std::string(1500, 'a') +
           "\r\n\r\n",
       "431"},
      {std::string(20'000, 'G'), "431"},
  };
  for (const auto& [bytes, status] : kCases) {
    SCOPED_TRACE(bytes.substr(0, 200));
    const std::string answer = answers(*server, bytes);
    EXPECT_THAT(answer, StartsWith(fmt::format("HTTP/1.1 {} ", status)));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n\r\n{\"error\": \""));
    EXPECT_THAT(answer, testing::EndsWith("\"}"));
  }
}

TEST(Server, ClosesWhenAskedTo) {
  const auto server = start();
  EXPECT_THAT(answers(*server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Connection: close")));
  EXPECT_THAT(answers(*server, "GET / HTTP/1.0\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Connection: close")));
  const auto closing = start({}, [](Request, Respond respond) {
    Response response;
    response.fields.push_back({"Connection", "close"});
    respond(std::move(response));
  });
  EXPECT_THAT(answers(*closing, kGet), HasSubstr("Connection: close"));
}

TEST(Server, SendsNoBodyWhereNoneMayBe) {
  const auto server = start({}, [](Request request, Respond respond) {
    respond(text_response(request.target == "/204" ? 204 : 405, "text/plain", "text"));
  });
  RawSocket socket = RawSocket::to(server->port());
  socket.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.read_until("\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Content-Length: 4\r\n")));
  socket.send("GET /204 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.read_until("\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 204 "), testing::Not(HasSubstr("Length"))));
  socket.send(kGet);
  EXPECT_THAT(socket.read_response(), testing::EndsWith("text"));
}

TEST(Server, AnswersThatWouldBreakTheMessageAre500) {
  const auto server = start({}, [](Request request, Respond respond) {
    Response response;
    if (request.target == "/value") response.fields.push_back({"A", "b\r\nC: d"});
    if (request.target == "/name") response.fields.push_back({"A b", "c"});
    if (request.target == "/status") response.status = 100;
    if (request.target == "/length") response.fields.push_back({"Content-Length", "7"});
    respond(std::move(response));
  });
  RawSocket socket = RawSocket::to(server->port());
  for (const char* target : {"/value", "/name", "/status"}) {
    socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", target));
    EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 500 ")) << target;
  }
  socket.send("GET /length HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: "));
}

TEST(Server, WritesPiecesOneAfterTheOther) {
  const std::string big(5'000'000, 'p');
  const auto server = start({}, [&](Request, Respond respond) {
    Response response;
    for (int i = 0; i < 200; ++i) response.body.push_back(shared_text(std::to_string(i)));
    response.body.push_back({});
    response.body.push_back(shared_text(big));
    response.body.push_back(shared_text("end"));
    respond(std::move(response));
  });
  std::string want;
  for (int i = 0; i < 200; ++i) want += std::to_string(i);
  RawSocket socket = RawSocket::to(server->port());
  for (int i = 0; i < 2; ++i) {
    socket.send(kGet);
    const std::string response = socket.read_response();
    EXPECT_TRUE(response.ends_with("\r\n\r\n" + want + big + "end"));
  }
}

// --- who answers, and when
// ------------------------------------------------------------------------

TEST(Respond, WorksFromAnyThread) {
  Later later;
  const auto server = start({.threads = 2}, later.handler());
  std::thread answering([&] {
    for (int i = 0; i < 200; ++i) later.next()(text_response(200, "text/plain", "ok"));
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      RawSocket socket = RawSocket::to(server->port());
      for (int k = 0; k < 50; ++k) {
        socket.send(kGet);
        EXPECT_THAT(socket.read_response(), testing::EndsWith("ok"));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  answering.join();
}

TEST(Respond, DroppedIs500) {
  const auto server = start({}, [](Request, Respond) {});
  RawSocket socket = RawSocket::to(server->port());
  socket.send(kGet);
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 500 "));
  socket.send(kGet);
  EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 500 "));
}

TEST(Respond, OnlyTheFirstAnswerCounts) {
  const auto server = start({}, [](Request, Respond respond) {
    respond(text_response(200, "text/plain", "first"));
    respond(text_response(200, "text/plain", "second"));
  });
  RawSocket socket = RawSocket::to(server->port());
  for (int i = 0; i < 3; ++i) {
    socket.send(kGet);
    EXPECT_THAT(socket.read_response(), testing::EndsWith("first"));
  }
}

TEST(Respond, MayComeAfterTheClientHasGone) {
  Later later;
  const auto server = start({}, later.handler());
  {
    RawSocket socket = RawSocket::to(server->port());
    socket.send(kGet);
    Respond respond = later.next();
    socket.close();
    respond(text_response(200, "text/plain", std::string(10'000'000, 'a')));
  }
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST(Respond, MayComeAfterTheServerHasGone) {
  Later later;
  std::vector<Respond> held;
  {
    const auto server = start({}, later.handler());
    std::vector<RawSocket> sockets;
    for (int i = 0; i < 3; ++i) {
      sockets.push_back(RawSocket::to(server->port()));
      sockets.back().send(kGet);
      held.push_back(later.next());
    }
  }
  held[0]({});
  held.clear();
}

TEST(Respond, RacesWithTheServersEnd) {
  for (int round = 0; round < 20; ++round) {
    Later later;
    auto server = start({.threads = 2}, later.handler());
    std::vector<RawSocket> sockets;
    std::vector<Respond> held;
    for (int i = 0; i < 8; ++i) {
      sockets.push_back(RawSocket::to(server->port()));
      sockets.back().send(kGet);
      held.push_back(later.next());
    }
    std::thread answering([&] {
      for (Respond& respond : held) respond({});
      held.clear();
    });
    server.reset();
    answering.join();
  }
}

// --- limits
// ---------------------------------------------------------------------------------------

TEST(Server, ClosesConnectionsPastTheMost) {
  const auto server = start({.max_connections = 2});
  RawSocket first = RawSocket::to(server->port());
  RawSocket second = RawSocket::to(server->port());
  expect_works(first);
  expect_works(second);
  RawSocket third = RawSocket::to(server->port());
  EXPECT_EQ(third.read_all(), "");
  first.close();
  EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
  RawSocket fourth = RawSocket::to(server->port());
  expect_works(fourth);
}

TEST(Server, OneAddressHasItsShareOfConnections) {
  const auto server = start({.max_per_address = 2});
  RawSocket first = RawSocket::to(server->port());
  RawSocket second = RawSocket::to(server->port());
  expect_works(first);
  expect_works(second);
  EXPECT_EQ(RawSocket::to(server->port()).read_all(), "");
  RawSocket other = RawSocket::to(server->port(), "127.0.0.2");
  expect_works(other);
  first.close();
  EXPECT_TRUE(eventually([&] { return server->connections() == 2; }));
  RawSocket fourth = RawSocket::to(server->port());
  expect_works(fourth);
}

// With its share of the connections comes the same share of the memory.
TEST(Server, OneAddressHasItsShareOfMemory) {
  Later later;
  std::vector<SharedBytes> bodies;  // as long as the handler has them
  const auto server = start({.max_connections = 4,
                             .max_per_address = 2,
                             .max_body_bytes = 100'000,
                             .max_total_body_bytes = 200'000},
                            [&, answer = later.handler()](Request request, Respond respond) {
                              bodies.push_back(request.body);
                              answer(std::move(request), std::move(respond));
                            });
  const std::string post =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n" + std::string(90'000, 'x');
  RawSocket first = RawSocket::to(server->port());
  ASSERT_TRUE(first.send(post));
  Respond held = later.next();
  RawSocket second = RawSocket::to(server->port());
  ASSERT_TRUE(second.send(post));
  EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 503 "));
  RawSocket other = RawSocket::to(server->port(), "127.0.0.2");
  ASSERT_TRUE(other.send(post));
  later.next()({});
  EXPECT_THAT(other.read_response(), StartsWith("HTTP/1.1 200 "));
  held({});
  EXPECT_THAT(first.read_response(), StartsWith("HTTP/1.1 200 "));
}

// An answer that its client does not take counts, and is let go with the connection.
TEST(Server, AnswersThatAreNotReadTakeRoom) {
  constexpr size_t kLarge = 30'000'000;
  const auto server =
      start({.max_total_body_bytes = 1'000'000}, [](Request request, Respond respond) {
        respond(text_response(200, "text/plain",
                              std::string(request.target == "/large" ? kLarge : 1, 'a')));
      });
  const auto status_of_post = [&] {
    RawSocket socket = RawSocket::to(server->port());
    socket.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" +
                std::string(1000, 'x'));
    return socket.read_response().substr(9, 3);
  };
  EXPECT_EQ(status_of_post(), "200");
  std::optional<RawSocket> silent(RawSocket::to(server->port()));
  ASSERT_TRUE(silent->send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return status_of_post() == "503"; }));
  RawSocket reading = RawSocket::to(server->port());
  ASSERT_TRUE(reading.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_GT(reading.read_response().size(), kLarge) << "what has no body is answered";
  silent.reset();
  EXPECT_TRUE(eventually([&] { return status_of_post() == "200"; }));
}

TEST(Server, GivesUpOnWhoSaysNothing) {
  const auto server = start({.header_timeout = Seconds(0.1)});
  EXPECT_EQ(answers(*server, ""), "");
}

TEST(Server, ClosesIdleConnectionsSilently) {
  const auto server = start({.idle_timeout = Seconds(0.1)});
  RawSocket socket = RawSocket::to(server->port());
  expect_works(socket);
  EXPECT_EQ(socket.read_all(), "");
}

TEST(Server, GivesUpOnSlowHeads) {
  const auto server = start({.header_timeout = Seconds(0.2)});
  RawSocket socket = RawSocket::to(server->port());
  expect_works(socket);
  std::atomic<bool> over = false;
  // Each byte comes in time; together they do not.
  std::thread drip([&] {
    while (!over && socket.send("A")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  const std::string answer = socket.read_all();
  over = true;
  drip.join();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
}

TEST(Server, GivesUpOnSlowBodies) {
  const auto server = start({.body_timeout = Seconds(0.1)});
  for (const char* framing :
       {"Content-Length: 10\r\n\r\na", "Transfer-Encoding: chunked\r\n\r\n1"}) {
    EXPECT_THAT(answers(*server, fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}", framing)),
                StartsWith("HTTP/1.1 408 "));
  }
}

TEST(Server, GivesUpOnWhoDoesNotRead) {
  const std::string big(50'000'000, 'p');
  std::atomic<int> asked = 0;
  const auto server = start({.write_timeout = Seconds(0.2)}, [&](Request, Respond respond) {
    ++asked;
    respond(text_response(200, "text/plain", big));
  });
  RawSocket socket = RawSocket::to(server->port());
  socket.send(kGet);
  EXPECT_TRUE(eventually([&] { return asked == 1; }));
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
  EXPECT_LT(socket.read_all().size(), big.size());
}

TEST(Server, SaysThatAnAddressCantBeHad) {
  const auto server = start();
  test::expect_error(Server::start({.port = server->port()}, echo), Kind::kIo, "can't listen on");
  test::expect_error(Server::start({.address = "not an address"}, echo), Kind::kIo,
                     "not an address");
  test::expect_error(Server::start({.require_client_certificate = true}, echo), Kind::kInvalid,
                     "no TLS");
}

// --- drain
// ----------------------------------------------------------------------------------------

TEST(Drain, ClosesIdleConnectionsAndAcceptsNoMore) {
  const auto server = start();
  RawSocket used = RawSocket::to(server->port());
  expect_works(used);
  RawSocket fresh = RawSocket::to(server->port());
  EXPECT_TRUE(eventually([&] { return server->connections() == 2; }));
  server->drain(Seconds(20));
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_EQ(used.read_all(), "");
  EXPECT_EQ(fresh.read_all(), "");
  EXPECT_THROW(RawSocket::to(server->port()), std::runtime_error);
}

TEST(Drain, WaitsForAnswers) {
  Later later;
  const auto server = start({}, later.handler());
  RawSocket socket = RawSocket::to(server->port());
  socket.send(kGet);
  Respond respond = later.next();
  std::thread answering([&] { respond(text_response(200, "text/plain", "last")); });
  server->drain(Seconds(20));
  EXPECT_EQ(server->connections(), 0U);
  const std::string answer = socket.read_all();
  EXPECT_THAT(answer, testing::EndsWith("last"));
  answering.join();
}

TEST(Drain, AnswersWithConnectionClose) {
  Later later;
  const auto server = start({}, later.handler());
  RawSocket socket = RawSocket::to(server->port());
  socket.send(kGet);
  Respond respond = later.next();
  server->drain(Seconds(0));
  respond({});
  EXPECT_THAT(socket.read_all(), HasSubstr("Connection: close"));
}

TEST(Drain, ReturnsAfterItsLimit) {
  Later later;
  const auto server = start({}, later.handler());
  RawSocket socket = RawSocket::to(server->port());
  socket.send(kGet);
  const Respond respond = later.next();
  server->drain(Seconds(0.05));
  EXPECT_EQ(server->connections(), 1U);
}

// Every request is answered whole, or its connection is closed before a byte of the answer.
TEST(Drain, UnderLoadBreaksNoAnswer) {
  for (int round = 0; round < 3; ++round) {
    const auto server = start({.threads = 2});
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&, socket = RawSocket::to(server->port())]() mutable {
        while (true) {
          if (!socket.send(kGet)) return;
          const std::string response = socket.read_response();
          if (response.empty()) return;
          EXPECT_THAT(response, testing::EndsWith("GET / "));
          ++answered;
          if (response.find("Connection: close") != std::string::npos) return;
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return answered > 50; }));
    server->drain(Seconds(20));
    EXPECT_EQ(server->connections(), 0U);
    for (std::thread& client : clients) client.join();
  }
}
