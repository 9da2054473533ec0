// A server that says what it got, and clients that send it any bytes.
#pragma once

#include "net/server.h"
#include "tests/support/net.h"

namespace cloister::test {

inline constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// Says what it got.
inline void echo(net::Request request, net::Respond respond) {
  std::string text = request.method + " " + request.target + " ";
  text += as_text(request.body.bytes);
  respond(net::text_response(200, "text/plain", text));
}

inline std::unique_ptr<net::Server> start(const net::ServerOptions& options = {},
                                          net::Handler handler = echo, net::Gate gate = nullptr) {
  return value_of(net::Server::start(options, std::move(handler), std::move(gate)));
}

// What the server says to these bytes until it closes.
inline std::string answers(const net::Server& server, std::string_view bytes) {
  RawSocket socket = RawSocket::to(server.port());
  socket.send(bytes);
  return socket.read_all();
}

// The connection is good for another request.
inline void expect_works(RawSocket& socket) {
  socket.send(kGet);
  EXPECT_THAT(socket.read_response(), testing::EndsWith("GET / "));
}

}  // namespace cloister::test
