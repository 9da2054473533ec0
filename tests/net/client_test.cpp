#include "net/client.h"

#include <fcntl.h>

#include "tests/support/net.h"
#include "tests/support/patience.h"

using namespace cloister;
using namespace cloister::net;
using test::expect_error;
using test::RawServer;
using test::RawSocket;
using test::value_of;
using testing::HasSubstr;

namespace {

std::unique_ptr<Connection> open(const RawServer& server, const ClientOptions& options = {}) {
  return value_of(Connection::open(server.url(), options, cloister::test::kPatience));
}

// Answers every request with these bytes, whatever was asked, and closes at the end.
RawServer saying(const std::string& bytes) {
  return RawServer([bytes](RawSocket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send(bytes);
    socket.end();
    (void)socket.read_all();
  });
}

Result<Response> ask(const std::string& bytes, const ClientOptions& options = {}) {
  const RawServer server = saying(bytes);
  return open(server, options)->exchange({}, {}, cloister::test::kPatience);
}

// As `ask`, but the peer neither says more nor closes.
Result<Response> ask_and_wait(const std::string& bytes, Seconds limit) {
  const RawServer server([bytes](RawSocket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send(bytes);
    (void)socket.read_all();
  });
  const auto connection = open(server);
  auto response = connection->exchange({}, {}, limit);
  EXPECT_EQ(connection->is_open(), response.has_value());
  return response;
}

}  // namespace

TEST(Client, SendsWhatItIsGiven) {
  std::string seen;
  const RawServer server([&](RawSocket& socket) {
    seen = socket.read_until("\r\n\r\n");
    seen += socket.read_exactly(6);
    socket.send("HTTP/1.1 201 Created\r\nA: b\r\nContent-Length: 5\r\n\r\nhello");
    (void)socket.read_all();
  });
  const auto connection = open(server);
  const Request request = {.method = "POST",
                           .target = "/x?y",
                           .fields = {{"X-A", "1"}, {"Content-Length", "99"}, {"Connection", "x"}}};
  const Response response = value_of(
      connection->exchange(request, {shared_text("ab"), {}, shared_text("c"), shared_text("def")},
                           cloister::test::kPatience));
  EXPECT_EQ(seen, fmt::format("POST /x?y HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-A: 1\r\n"
                              "Content-Length: 6\r\n\r\nabcdef",
                              server.port()));
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(*response.fields.find("a"), "b");
  EXPECT_EQ(test::text_of(response), "hello");
  ASSERT_EQ(response.body.size(), 1U);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(response.body[0].bytes.data()) % 64, 0U);
  EXPECT_TRUE(connection->is_open());
}

TEST(Client, UsesTheConnectionAgain) {
  const auto server = value_of(Server::start({}, [](Request request, Respond respond) {
    respond(text_response(200, "text/plain", fmt::format("{}", request.connection)));
  }));
  const Url url = {.host = "localhost", .port = server->port()};
  const auto connection = value_of(Connection::open(url, {}, cloister::test::kPatience));
  for (int i = 0; i < 10; ++i) {
    for (const char* method : {"GET", "POST", "HEAD"}) {
      const auto response = connection->exchange({.method = method}, {}, cloister::test::kPatience);
      EXPECT_EQ(test::text_of(value_of(response)), std::string_view(method) == "HEAD" ? "" : "1");
    }
  }
}

TEST(Client, RefusesToSendWhatBreaksTheMessage) {
  const RawServer server([](RawSocket& socket) { (void)socket.read_all(); });
  const auto connection = open(server);
  const Request kCases[] = {
      {.method = "GET /"},       {.method = ""},          {.target = "x"},
      {.target = "/a b"},        {.target = "/\r\nX: y"}, {.fields = {{"A", "b\r\nC: d"}}},
      {.fields = {{"A:", "b"}}}, {.fields = {{"", "b"}}},
  };
  for (const Request& request : kCases) {
    EXPECT_FALSE(connection->exchange(request, {}, cloister::test::kPatience));
    EXPECT_TRUE(connection->is_open());
  }
}

TEST(Client, TakesEveryKindOfFraming) {
  const std::pair<const char*, const char*> kCases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
      {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", ""},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
       "abc"},
      {"HTTP/1.1 200 OK\r\n\r\nabc", "abc"},
      {"HTTP/1.0 200 OK\r\n\r\nabc", "abc"},
      {"HTTP/1.2 200 HTTP/1.3\r\nContent-Length: 3\r\n\r\nabc", "abc"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
       "abc"},
  };
  for (const auto& [bytes, body] : kCases) {
    SCOPED_TRACE(bytes);
    EXPECT_EQ(test::text_of(value_of(ask(bytes))), body);
  }
  const std::string big(3'000'000, 'b');
  EXPECT_TRUE(test::text_of(value_of(ask("HTTP/1.1 200 OK\r\n\r\n" + big))) == big);
  EXPECT_TRUE(test::text_of(value_of(
                  ask("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + big))) == big);
  EXPECT_TRUE(test::text_of(value_of(ask(
                  fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n"
                              "0\r\n\r\n",
                              big.size(), big)))) == big);
}

TEST(Client, RefusesWhatIsNotHttp) {
  const std::pair<std::string, const char*> kCases[] = {
      {"garbage\r\n\r\n", "not HTTP/1.1"},
      {"HTTP/2.0 200 OK\r\n\r\n", "not HTTP/1.1"},
      {"HTTP/1.20 200 OK\r\n\r\n", "not HTTP/1.1"},
      {"HTTP/1.1 20 OK\r\n\r\n", "malformed"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "malformed"},
      {"HTTP/1.1 000 OK\r\n\r\n", "malformed"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "101"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "several"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na", "malformed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", "malformed"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na", "chunked"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed"},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'a'), "header is too large"},
      {std::string(20'000, 'a'), "not HTTP/1.1"},
  };
  for (const auto& [bytes, part] : kCases) {
    SCOPED_TRACE(bytes.substr(0, 200));
    expect_error(ask(bytes, {.max_body_bytes = 1000}), Kind::kInvalid, part);
  }
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  expect_error(ask(endless), Kind::kInvalid, "interim");
}

TEST(Client, TakesNoBodyThatIsTooLarge) {
  const std::pair<std::string, const char*> kCases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "1001 bytes, want at most 1000"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", "want at most 1000"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "too large"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'a'), "more than 1000"},
  };
  for (const auto& [bytes, part] : kCases) {
    SCOPED_TRACE(bytes.substr(0, 200));
    expect_error(ask(bytes, {.max_body_bytes = 1000}), Kind::kUnsupported, part);
  }
}

TEST(Client, NoticesWhatIsMissing) {
  for (const char* bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    SCOPED_TRACE(bytes);
    expect_error(ask(bytes), Kind::kUnavailable, "closed before the response was complete");
  }
}

TEST(Client, GivesUpInTime) {
  for (const char* bytes :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\n\r\nab"}) {
    SCOPED_TRACE(bytes);
    expect_error(ask_and_wait(bytes, Seconds(0.05)), Kind::kDeadline, "");
  }
}

TEST(Client, GivesUpOnADripInTime) {
  const RawServer server([](RawSocket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (socket.send("a")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  expect_error(open(server)->exchange({}, {}, Seconds(0.1)), Kind::kDeadline, "");
}

TEST(Client, GivesUpOnAPeerThatDoesNotRead) {
  std::atomic<bool> over = false;
  const RawServer server([&](RawSocket&) { test::eventually([&] { return over.load(); }); });
  const auto connection = open(server);
  const auto body = shared_text(std::string(50'000'000, 'a'));
  expect_error(connection->exchange({.method = "POST"}, {body}, Seconds(0.1)), Kind::kDeadline, "");
  EXPECT_FALSE(connection->is_open());
  over = true;
}

TEST(Client, AfterAnErrorTheConnectionIsClosedForGood) {
  std::atomic<bool> late = false;
  const RawServer server([&](RawSocket& socket) {
    test::eventually([&] { return late.load(); });
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    (void)socket.read_all();
  });
  const auto connection = open(server);
  expect_error(connection->exchange({}, {}, Seconds(0.05)), Kind::kDeadline, "");
  late = true;
  expect_error(connection->exchange({}, {}, cloister::test::kPatience), Kind::kUnavailable,
               "closed");
}

TEST(Client, MoreThanWasAskedForEndsTheConnection) {
  const std::string kResponse = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
  // In one packet with the response, and later.
  for (const bool at_once : {true, false}) {
    std::atomic<bool> answered = false;
    std::atomic<bool> more = false;
    const RawServer server([&](RawSocket& socket) {
      socket.read_until("\r\n\r\n");
      socket.send(at_once ? kResponse + kResponse : kResponse);
      test::eventually([&] { return answered.load(); });
      if (!at_once) socket.send(kResponse);
      more = true;
      (void)socket.read_all();
    });
    const auto connection = open(server);
    EXPECT_EQ(test::text_of(value_of(connection->exchange({}, {}, cloister::test::kPatience))),
              "a");
    EXPECT_EQ(connection->is_open(), !at_once);
    answered = true;
    EXPECT_TRUE(test::eventually([&] { return !connection->is_open(); }));
    expect_error(connection->exchange({}, {}, cloister::test::kPatience), Kind::kUnavailable,
                 "closed");
  }
}

TEST(Client, SeesThatAConnectionWasClosed) {
  const RawServer server([](RawSocket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
  });
  const auto connection = open(server);
  EXPECT_TRUE(connection->exchange({}, {}, cloister::test::kPatience));
  EXPECT_TRUE(test::eventually([&] { return !connection->is_open(); }));
  expect_error(connection->exchange({}, {}, cloister::test::kPatience), Kind::kUnavailable,
               "closed");
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
                            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"}) {
    const RawServer closing = saying(bytes);
    const auto asked = open(closing);
    EXPECT_TRUE(asked->exchange({}, {}, cloister::test::kPatience));
    EXPECT_FALSE(asked->is_open());
  }
}

// The server refuses before it has read the body: what it says must arrive.
TEST(Client, ReadsAnEarlyAnswer) {
  const auto server = value_of(
      Server::start({.max_body_bytes = 1000}, [](Request, Respond respond) { respond({}); }));
  const auto body = shared_text(std::string(8'000'000, 'a'));
  for (int i = 0; i < 5; ++i) {
    const Url url = {.host = "127.0.0.1", .port = server->port()};
    const auto connection = value_of(Connection::open(url, {}, cloister::test::kPatience));
    const auto response =
        connection->exchange({.method = "POST"}, {body}, cloister::test::kPatience);
    EXPECT_EQ(value_of(response).status, 413U);
    EXPECT_FALSE(connection->is_open());
  }
}

TEST(Client, SendsOnAfterAnInterimAnswer) {
  std::string seen;
  const std::string body(8'000'000, 'a');
  const RawServer server([&](RawSocket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 100 Continue\r\n\r\n");
    seen = socket.read_exactly(body.size());
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    (void)socket.read_all();
  });
  const auto connection = open(server);
  EXPECT_TRUE(
      connection->exchange({.method = "POST"}, {shared_text(body)}, cloister::test::kPatience));
  EXPECT_TRUE(seen == body);
  EXPECT_TRUE(connection->is_open());
}

TEST(Client, NobodyThere) {
  uint16_t port = 0;
  {
    const RawServer gone([](RawSocket&) {});
    port = gone.port();
  }
  const auto open_to = [](const std::string& host, uint16_t to) {
    return Connection::open({.host = host, .port = to}, {}, cloister::test::kPatience);
  };
  expect_error(open_to("127.0.0.1", port), Kind::kUnavailable, "refused");
  expect_error(open_to("::1", port), Kind::kUnavailable, "::1 port");
  expect_error(open_to("no-such-host.invalid", 80), Kind::kUnavailable, "can't find host");
}

TEST(Client, GivesUpOnAHandshakeInTime) {
  const RawServer server([](RawSocket& socket) { (void)socket.read_all(); });
  Url url = server.url();
  url.tls = true;
  expect_error(Connection::open(url, {.trust = ClientOptions::Trust::kCallerChecks}, Seconds(0.05)),
               Kind::kDeadline, "");
}
