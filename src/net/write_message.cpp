#include "net/write_message.h"

#include <fmt/chrono.h>
#include <strings.h>

#include <algorithm>

#include "base/words.h"

namespace cloister::net {
namespace {

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code >= 0x20 && code != 0x7f) || c == '\t';
  });
}

bool can_be_sent(const Fields& fields) {
  return std::ranges::all_of(fields, [](const Field& field) {
    return is_token(field.name) && is_field_value(field.value);
  });
}

// Fields that only the message framing may write.
bool is_framing(const std::string& name) {
  constexpr const char* kNames[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                    "Keep-Alive"};
  return std::ranges::any_of(
      kNames, [&](const char* known) { return ::strcasecmp(known, name.c_str()) == 0; });
}

constexpr Word<unsigned> kReasons[] = {{100, "Continue"},
                                       {200, "OK"},
                                       {201, "Created"},
                                       {202, "Accepted"},
                                       {204, "No Content"},
                                       {304, "Not Modified"},
                                       {400, "Bad Request"},
                                       {401, "Unauthorized"},
                                       {403, "Forbidden"},
                                       {404, "Not Found"},
                                       {405, "Method Not Allowed"},
                                       {408, "Request Timeout"},
                                       {409, "Conflict"},
                                       {411, "Length Required"},
                                       {412, "Precondition Failed"},
                                       {413, "Content Too Large"},
                                       {415, "Unsupported Media Type"},
                                       {417, "Expectation Failed"},
                                       {421, "Misdirected Request"},
                                       {422, "Unprocessable Content"},
                                       {429, "Too Many Requests"},
                                       {431, "Request Header Fields Too Large"},
                                       {500, "Internal Server Error"},
                                       {501, "Not Implemented"},
                                       {502, "Bad Gateway"},
                                       {503, "Service Unavailable"},
                                       {504, "Gateway Timeout"},
                                       {505, "HTTP Version Not Supported"}};

void add_fields(std::string& head, const Fields& fields) {
  for (const Field& field : fields) {
    if (is_framing(field.name)) continue;
    head += field.name;
    head += ": ";
    head += field.value;
    head += "\r\n";
  }
}

}  // namespace

uint64_t body_bytes(const std::vector<SharedBytes>& pieces) {
  uint64_t total = 0;
  for (const SharedBytes& piece : pieces) total += piece.bytes.size();
  return total;
}

std::string response_head(const Response& response, bool close, std::time_t now) {
  const unsigned status = response.status;
  if (status < 200 || status > 999 || !can_be_sent(response.fields)) return {};
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, word_of(kReasons, status, ""));
  add_fields(head, response.fields);
  if (status != 204 && status != 304) {
    head += fmt::format("Content-Length: {}\r\n", body_bytes(response.body));
  }
  if (response.fields.count("Date") == 0) {
    head += fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(now));
  }
  if (close) head += "Connection: close\r\n";
  return head + "\r\n";
}

Result<std::string> request_head(const Request& request, const std::string& host,
                                 uint64_t body_bytes) {
  if (!is_token(request.method)) return invalid("'{}' is no method", printable(request.method));
  const auto in_target = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  if (!request.target.starts_with('/') || !std::ranges::all_of(request.target, in_target)) {
    return invalid("'{}' is no request target", printable(request.target));
  }
  if (!can_be_sent(request.fields)) return invalid("a request field has forbidden characters");
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  if (request.fields.count("Host") == 0) head += fmt::format("Host: {}\r\n", host);
  add_fields(head, request.fields);
  const bool may_be_bare = request.method == "GET" || request.method == "HEAD";
  if (body_bytes > 0 || !may_be_bare) head += fmt::format("Content-Length: {}\r\n", body_bytes);
  return head + "\r\n";
}

Response error_response(unsigned status, std::string_view text) {
  return text_response(status, "application/json", fmt::format(R"({{"error": "{}"}})", text));
}

}  // namespace cloister::net
