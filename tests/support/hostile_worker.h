// A worker that answers questions about itself as it should, and requests as a test likes.
#pragma once

#include <atomic>
#include <list>
#include <mutex>

#include "engine/engine.h"
#include "link/oip_http.h"
#include "tests/support/net.h"
#include "tests/support/oip.h"
#include "wire/oip.h"

namespace cloister::test {

inline std::string http_text(unsigned status, const std::string& body,
                             const std::string& fields = "Content-Type: application/json\r\n") {
  return fmt::format("HTTP/1.1 {} S\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), fields,
                     body);
}

// A request, and the answer of an honest worker.
struct Asked {
  oip::InferRequest request;
  oip::InferResponse honest;

  std::string bytes(const oip::InferResponse& response) const {
    const auto message = value_of(oip::write_infer_response(response, request));
    const std::string field =
        message.extended ? fmt::format("{}: {}\r\n", oip::kHeaderLengthField, message.json.size())
                         : "";
    return http_text(200, body_text(message), field);
  }
  std::string honest_bytes() const { return bytes(honest); }
  // The honest answer after `change`.
  std::string changed(const std::function<void(oip::InferResponse&)>& change) const {
    oip::InferResponse response = honest;
    change(response);
    return bytes(response);
  }
};

// Each connection has a thread of its own.
class HostileWorker {
 public:
  // Sends an answer, or does not. The connection stays open for more unless it returns false. The
  // test goes on as soon as it has the answer, which may be before send() returns, or before the
  // script is called at all if the test did not wait: what a script sends is its own.
  using Script = std::function<bool(RawSocket&, const Asked&)>;

  static bool honest(RawSocket& socket, const Asked& asked) {
    return socket.send(asked.honest_bytes());
  }

  // `program` computes the honest answers.
  explicit HostileWorker(std::unique_ptr<Program> program) : program_(std::move(program)) {
    metadata_ = honest_metadata();
    listener_.emplace([this](RawSocket& socket) {
      const std::scoped_lock lock(mutex_);
      auto owned = std::make_shared<RawSocket>(std::move(socket));
      sockets_.push_back(owned);
      threads_.emplace_back([this, owned] { converse(*owned); });
    });
  }
  ~HostileWorker() {
    closing_ = true;
    listener_.reset();
    for (const auto& socket : sockets_) ::shutdown(socket->get(), SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
  }

  uint16_t port() const { return listener_->port(); }
  net::Url url() const { return {.host = "127.0.0.1", .port = port(), .path = "/v2/models/m"}; }

  void set_script(Script script) {
    const std::scoped_lock lock(mutex_);
    script_ = std::move(script);
  }
  // What is said of the model; nothing: what is true.
  void set_metadata(std::optional<std::string> json) {
    const std::scoped_lock lock(mutex_);
    metadata_ = json ? *json : honest_metadata();
  }
  void set_ready(bool ready) { ready_ = ready; }
  // What is said to an item of zeros, which whoever finds the worker sends to try it; it is not
  // counted by asked().
  void set_trial(Script script) {
    const std::scoped_lock lock(mutex_);
    trial_ = std::move(script);
  }
  // Whether the connection is closed after each answer about the worker, and whether the answer
  // says so.
  enum class Keeps { kOpen, kClosesSayingSo, kCloses };
  void set_keeps(Keeps keeps) { keeps_ = keeps; }
  int asked() const { return asked_; }
  bool closing() const { return closing_; }

  // For scripts that stall: until the other side has had enough.
  static void wait_for_close(RawSocket& socket) {
    pollfd watched{socket.get(), POLLIN | POLLRDHUP, 0};
    ::poll(&watched, 1, 20'000);
  }

 private:
  std::string honest_metadata() const {
    return oip::write_model_metadata({.name = "m",
                                      .versions = {"1"},
                                      .platform = "p",
                                      .inputs = program_->inputs(),
                                      .outputs = program_->outputs()});
  }

  void converse(RawSocket& socket) {
    try {
      while (true) {
        const std::string head = socket.read_until("\r\n\r\n");
        if (head.empty() || !answer(socket, head)) break;
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << "the worker was asked something strange: " << error.what();
    }
    // The descriptor is closed with the worker; that nothing more comes is known at once.
    ::shutdown(socket.get(), SHUT_RDWR);
  }

  static size_t number_after(const std::string& head, const std::string& name) {
    const size_t at = head.find("\n" + name + ": ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size() + 3));
  }

  bool answer(RawSocket& socket, const std::string& head) {
    if (head.starts_with("GET ")) {
      const bool asks_ready = head.find("/ready ") != std::string::npos;
      const std::string fields = keeps_ == Keeps::kClosesSayingSo ? "Connection: close\r\n" : "";
      const std::scoped_lock lock(mutex_);
      socket.send(
          http_text(asks_ready && !ready_ ? 503 : 200, asks_ready ? "{}" : metadata_, fields));
      return keeps_ == Keeps::kOpen;
    }
    const std::string body = socket.read_exactly(number_after(head, "Content-Length"));
    Asked asked;
    asked.request = value_of(
        oip::parse_infer_request(shared_body(body), number_after(head, oip::kHeaderLengthField)));
    const auto views = value_of(order_inputs(program_->inputs(), asked.request.inputs));
    auto outputs = value_of(program_->run(views));
    asked.honest = {.model_name = "m", .model_version = "1", .id = asked.request.id};
    for (size_t i = 0; i < outputs.size(); ++i) {
      asked.honest.outputs.push_back({program_->outputs()[i].name, std::move(outputs[i])});
    }
    const bool trial = is_trial(asked.request);
    Script script;
    {
      const std::scoped_lock lock(mutex_);
      script = trial ? trial_ : script_;
    }
    if (!trial) ++asked_;
    return script(socket, asked);
  }

  static bool is_trial(const oip::InferRequest& request) {
    return std::ranges::all_of(request.inputs, [](const NamedTensor& input) {
      const Shape& shape = input.tensor.shape();
      return (shape.empty() || shape[0] == 1) &&
             std::ranges::all_of(input.tensor.data(),
                                 [](std::byte b) { return b == std::byte{0}; });
    });
  }

  const std::unique_ptr<Program> program_;
  std::mutex mutex_;
  Script script_ = honest;
  Script trial_ = honest;
  std::string metadata_;
  std::atomic<bool> ready_ = true;
  std::atomic<Keeps> keeps_ = Keeps::kOpen;
  std::atomic<bool> closing_ = false;
  std::atomic<int> asked_ = 0;
  std::list<std::shared_ptr<RawSocket>> sockets_;
  std::vector<std::thread> threads_;
  std::optional<RawServer> listener_;  // last: it uses all of the above
};

}  // namespace cloister::test
