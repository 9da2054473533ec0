#include "bench/serve_load/load.h"

#include <thread>

#include "link/oip_http.h"
#include "wire/oip.h"

namespace cloister::bench {
namespace {

constexpr net::Seconds kConnectLimit{10};
constexpr size_t kMostMessages = 20;

// A request as it is sent, and its id.
struct Prepared {
  std::string id;
  net::Request request;
  std::vector<SharedBytes> body;
  const Case* answer = nullptr;
};

Result<Prepared> prepare(const Case& asked, std::string id, const std::string& model) {
  oip::InferRequest infer{.id = id, .inputs = asked.inputs, .binary_outputs = true};
  TRY(message, oip::write_infer_request(infer, oip::Encoding::kBinary));
  serving::HttpBody body = serving::http_body(std::move(message));
  Prepared out{.id = std::move(id), .answer = &asked};
  out.request = {.method = "POST",
                 .target = oip::route_target({.action = oip::Action::kInfer, .model = model}),
                 .fields = std::move(body.fields)};
  out.body = std::move(body.body);
  return out;
}

Result<bool> answers_right(const net::Response& response, const Prepared& asked, double tolerance) {
  const SharedBytes body = response.body.empty() ? SharedBytes{} : response.body[0];
  TRY(length, serving::header_length(response.fields));
  TRY(reply, oip::parse_infer_response(body, length));
  return reply.id == asked.id && is_right(reply.outputs, asked.answer->expected, tolerance);
}

}  // namespace

// One connection, and the thread that uses it.
struct Load::Asker {
  const LoadOptions& options;
  const std::vector<Case>& cases;
  size_t number;
  std::unique_ptr<serving::VerifiedConnection> connection;
  std::vector<Prepared> requests;
  size_t next = 0;
  Tally tally;

  void note(const std::string& message) {
    const auto known = tally.messages.find(message);
    if (known != tally.messages.end()) {
      ++known->second;
    } else if (tally.messages.size() < kMostMessages) {
      tally.messages.emplace(message, 1);
    }
  }

  Result<> connect() {
    if (connection != nullptr && connection->is_open()) return {};
    serving::VerifyOptions verify;
    verify.policy = {.tee = {.accept_simulated = true},
                     .bundle = {.accept_any_signer = true},
                     .audit = {.accept_unaudited = true}};
    verify.client.trust = net::ClientOptions::Trust::kCallerChecks;
    verify.limit = kConnectLimit;
    TRY(opened, serving::VerifiedConnection::open(options.url, verify));
    connection = std::move(opened);
    if (!requests.empty()) return {};
    for (size_t i = 0; i < cases.size(); ++i) {
      TRY(prepared, prepare(cases[i], fmt::format("{}-{}", number, i),
                            connection->facts().manifest.model_name));
      requests.push_back(std::move(prepared));
    }
    return {};
  }

  // One request, until its end; false when it did not succeed.
  bool ask() {
    const Prepared& asked = requests[(number + next++) % requests.size()];
    const auto began = Clock::now();
    const auto response =
        connection->exchange(asked.request, asked.body, net::Seconds(options.limit_s));
    const auto ended = Clock::now();
    if (response && response->status == 200) {
      const auto right = answers_right(*response, asked, options.tolerance);
      if (right && *right) {
        ++tally.ok;
        tally.ok_at.push_back(ended);
        tally.ok_ms.push_back(std::chrono::duration<double, std::milli>(ended - began).count());
        return true;
      }
      ++tally.wrong;
      note(right ? "a wrong answer" : right.error().message);
    } else if (response) {
      ++tally.errors[fmt::format("{}", response->status)];
      note(fmt::format(
          "{}: {}", response->status,
          oip::parse_error(response->body.empty() ? Bytes{} : response->body[0].bytes)));
    } else {
      ++tally.lost;
      note(response.error().message);
    }
    tally.failed_at.push_back(ended);
    return false;
  }

  void work(Clock::time_point until) {
    const auto pause =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.retry_s));
    while (Clock::now() < until) {
      const Result<> connected = connect();
      if (!connected) {
        ++tally.refused_connections;
        note(connected.error().message);
      }
      if (!connected || !ask()) std::this_thread::sleep_for(pause);
    }
  }
};

Load::Load(LoadOptions options, const std::vector<Case>& cases)
    : options_(std::move(options)), cases_(cases) {}

Load::~Load() = default;

Result<nlohmann::json> Load::run(const Round& round) {
  const auto count = static_cast<size_t>(round.connections);
  while (askers_.size() < count) {
    askers_.emplace_back(new Asker{options_, cases_, askers_.size(), nullptr, {}, 0, {}});
  }
  for (size_t i = 0; i < count; ++i) {
    askers_[i]->tally = {};
    // Whatever is wrong here is found again, and counted, in the round.
    (void)askers_[i]->connect();
  }
  const auto began = Clock::now();
  const auto until = began + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(round.seconds));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([asker = askers_[i].get(), until] { asker->work(until); });
  }
  for (std::thread& thread : threads) thread.join();
  Tally all;
  for (size_t i = 0; i < count; ++i) all.add(std::move(askers_[i]->tally));
  return all.json(round, began, until);
}

}  // namespace cloister::bench
