// Server: whatever comes over a connection, it answers in HTTP or closes, and does not wait for
// more from a peer that has ended.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "net/server.h"

using namespace cloister::net;

namespace {

const Server& server() {
  static const auto kServer = Server::start({.max_header_bytes = 2000, .max_body_bytes = 1000},
                                            [](Request request, Respond respond) {
                                              if (request.body.bytes.size() > 1000) std::abort();
                                              respond({.body = {request.body}});
                                            });
  if (!kServer) std::abort();
  return **kServer;
}

std::string answers(const uint8_t* data, size_t size) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) std::abort();
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  (void)::send(fd, data, size, MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  std::string answer;
  char block[4096];
  ssize_t got = 0;
  while ((got = ::recv(fd, block, sizeof(block), 0)) > 0) answer.append(block, size_t(got));
  if (got < 0 && errno == EAGAIN) std::abort();
  ::close(fd);
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string answer = answers(data, size);
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
