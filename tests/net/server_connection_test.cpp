// Requests as clients of other people send them, and how they are refused.
#include <atomic>
#include <ctime>

#include "tests/net/server_fixture.h"

namespace cloister::net {
namespace {

using test::answers;
using test::echo;
using test::eventually;
using test::kGet;
using test::RawSocket;
using test::start;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ServerConnection, TakesHostsOfEveryForm) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  for (const char* host :
       {"h", "h:", "h.example.", "my_service:8000", "127.0.0.1:1", "[::1]", "[::1]:65535", ""}) {
    socket.send(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host));
    EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 200 ")) << host;
  }
  EXPECT_THAT(answers(*server, "GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

// RFC 9112, section 3.2.2: as clients write them to proxies. The target's authority counts.
TEST(ServerConnection, TakesAbsoluteTargets) {
  std::string host;
  const auto server = start({}, echo, [&](const Request& request) -> std::optional<Response> {
    EXPECT_EQ(request.fields.count("Host"), 1U);
    host = *request.fields.find("Host");
    return std::nullopt;
  });
  RawSocket socket = RawSocket::to(server->port());
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"http://127.0.0.1:8502/v2/health/live", "/v2/health/live", "127.0.0.1:8502"},
      {"https://h/a?b=c", "/a?b=c", "h"},
      {"HTTP://h:80", "/", "h:80"},
      {"http://[::1]:5?x", "/?x", "[::1]:5"},
      {"/a?u=http://other/", "/a?u=http://other/", "own"},
  };
  for (const auto& [target, path, authority] : cases) {
    socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: own\r\n\r\n", target));
    EXPECT_THAT(socket.read_response(), testing::EndsWith(fmt::format("\r\n\r\nGET {} ", path)));
    EXPECT_EQ(host, authority);
  }
}

// RFC 9112, section 2.2.
TEST(ServerConnection, SkipsOneEmptyLineBeforeARequest) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  for (const char* before : {"\r\n", "", "\r\n"}) {
    socket.send(before + std::string(kGet));
    EXPECT_THAT(socket.read_response(), testing::EndsWith("GET / "));
  }
  // Byte by byte, and behind a body.
  for (const char c : "\r\n" + std::string(kGet)) socket.send({&c, 1});
  EXPECT_THAT(socket.read_response(), testing::EndsWith("GET / "));
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na\r\n" + std::string(kGet));
  EXPECT_THAT(socket.read_response(), testing::EndsWith("POST / a"));
  EXPECT_THAT(socket.read_response(), testing::EndsWith("GET / "));
  // A client that sends the line and then nothing is idle.
  socket.send("\r\n");
  server->drain(Seconds(20));
  EXPECT_EQ(server->connections(), 0U);
}

// RFC 9110, section 6.2.
TEST(ServerConnection, TakesLaterVersionsOfHttp1) {
  const auto server = start();
  RawSocket socket = RawSocket::to(server->port());
  for (const char* version : {"1.2", "1.3", "1.9"}) {
    socket.send(
        fmt::format("POST /HTTP/1.2 HTTP/{}\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "1\r\na\r\n0\r\n\r\n",
                    version));
    const std::string response = socket.read_response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(response, testing::EndsWith("POST /HTTP/1.2 a"));
  }
  for (const char c : std::string("GET / HTTP/1.2\r\nHost: a\r\n\r\n")) socket.send({&c, 1});
  EXPECT_THAT(socket.read_response(), testing::EndsWith("GET / "));
  EXPECT_THAT(answers(*server, "GET / HTTP/1.2\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST(ServerConnection, GivesTheDate) {
  const auto server = start({}, [](Request request, Respond respond) {
    Response response;
    if (request.target == "/own")
      response.fields.push_back({"date", "Sun, 06 Nov 1994 08:49:37 GMT"});
    respond(std::move(response));
  });
  RawSocket socket = RawSocket::to(server->port());
  const std::time_t before = std::time(nullptr);
  socket.send(kGet);
  const std::string response = socket.read_response();
  const size_t at = response.find("\r\nDate: ");
  ASSERT_NE(at, std::string::npos) << response;
  tm read{};
  ASSERT_NE(::strptime(response.c_str() + at + 8, "%a, %d %b %Y %H:%M:%S GMT", &read), nullptr);
  EXPECT_GE(::timegm(&read), before);
  EXPECT_LE(::timegm(&read), std::time(nullptr));
  socket.send("GET /own HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string own = socket.read_response();
  EXPECT_THAT(own, HasSubstr("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  EXPECT_THAT(own, testing::Not(HasSubstr("Date: ")));
}

// RFC 9110, section 9.3.2: the same head, without the body.
TEST(ServerConnection, AnswersHeadAsGet) {
  const auto server = start({}, [](Request request, Respond respond) {
    respond(text_response(request.method == "GET" ? 200 : 405, "text/plain", request.method));
  });
  RawSocket socket = RawSocket::to(server->port());
  socket.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  const std::string head = socket.read_until("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(socket.read_response(), testing::EndsWith("\r\n\r\nGET"));
}

TEST(ServerConnection, TakesNoCompressedBodies) {
  const auto server = start();
  for (const char* encoding :
       {"gzip", "deflate", "GZIP", "identity, gzip", "identity\r\nContent-Encoding: br"}) {
    const std::string answer = answers(
        *server,
        fmt::format(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: {}\r\nContent-Length: 3\r\n\r\nabc",
            encoding));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 415 ")) << encoding;
    EXPECT_THAT(answer, HasSubstr("\r\nAccept-Encoding: identity\r\n"));
    EXPECT_THAT(answer, HasSubstr("send the body as it is"));
  }
  RawSocket socket = RawSocket::to(server->port());
  socket.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: Identity\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(socket.read_response(), testing::EndsWith("POST / abc"));
}

// Most clients send all of a request before they read, and a reset would take the answer from them.
TEST(ServerConnection, RefusalsReachClientsThatSendEverythingFirst) {
  const auto refuse = [](const Request&) -> std::optional<Response> {
    return text_response(401, "text/plain", "who?");
  };
  const std::string body(70'000'000, 'b');
  const auto server = start({.max_body_bytes = 40'000'000}, echo, refuse);
  for (const size_t size : {1'000, 20'000'000, 40'000'000, 70'000'000}) {
    RawSocket socket = RawSocket::to(server->port());
    socket.send(fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", size));
    EXPECT_TRUE(socket.send(std::string_view(body).substr(0, size))) << size;
    EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 401 ")) << size;
  }
  // Too large, as seen in the head, and seen in the chunks.
  const auto small = start({.max_body_bytes = 20'000'000});
  for (const std::string& framing :
       {std::string("Content-Length: 20000001\r\n\r\n"),
        std::string("Transfer-Encoding: chunked\r\n\r\n1312d01\r\n")}) {
    RawSocket socket = RawSocket::to(small->port());
    socket.send("POST / HTTP/1.1\r\nHost: h\r\n" + framing);
    EXPECT_TRUE(socket.send(std::string_view(body).substr(0, 20'000'001)));
    EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 413 "));
  }
}

TEST(ServerConnection, TakesNoMoreFromWhoIsRefusedThanABodyMayHave) {
  const auto refuse = [](const Request&) -> std::optional<Response> {
    return Response{.status = 401};
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n";
  // Bytes ...
  const auto server = start({.max_body_bytes = 1000}, echo, refuse);
  RawSocket much = RawSocket::to(server->port());
  much.send(post);
  EXPECT_FALSE(much.send(std::string(200'000'000, 'b')));
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
  // ... and time.
  const auto hasty = start({.body_timeout = Seconds(0.2)}, echo, refuse);
  RawSocket slow = RawSocket::to(hasty->port());
  slow.send(post);
  std::atomic<bool> over = false;
  std::thread drip([&] {
    while (!over && slow.send("b")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  EXPECT_TRUE(eventually([&] { return hasty->connections() == 0; }));
  over = true;
  drip.join();
}

}  // namespace
}  // namespace cloister::net
