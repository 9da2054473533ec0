#include "tee/evidence.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/log.h"
#include "serving/answer_deadlines.h"
#include "serving/error_response.h"
#include "serving/metrics.h"
#include "serving/report_data.h"
#include "serving/token_bucket.h"

namespace cloister::serving {
namespace {

using Clock = TokenBucket::Clock;

constexpr uint64_t kMostUnread = 256 << 20;

// A waiting request for evidence.
struct Asked {
  attest::ReportData data{};  // what it must be over
  std::vector<std::string> files;
  Clock::time_point since;
};

Error busy(std::string_view why, Kind kind = Kind::kUnavailable) {
  return {kind, fmt::format("no evidence at the moment: {}", why)};
}

// Counted as one, and answered as one who may ask again.
Error too_late(std::string_view why) {
  return busy(why, Kind::kDeadline);
}

}  // namespace

struct EvidenceService::State {
  attest::ExchangeReply reply;               // but for evidence, endorsements and files
  std::map<std::string, std::string> files;  // of the bundle
  std::shared_ptr<attest::Attester> producer;
  EvidenceOptions options;
  AnswerDeadlines patience;
  std::atomic<bool> closing = false;
  // Bytes of replies that connections still hold; each has the bundle's files in it.
  std::shared_ptr<std::atomic<uint64_t>> unread = std::make_shared<std::atomic<uint64_t>>(0);
  std::mutex mutex;
  std::optional<TokenBucket> rate;
  std::optional<Clock::time_point> producing;  // since when, while the producer is asked
  bool hang_noted = false;

  bool may_ask() {
    const std::scoped_lock lock(mutex);
    return rate->take(Clock::now());
  }

  // How long the producer has not answered, where that is too long.
  std::optional<std::chrono::duration<double>> hangs(Clock::time_point now) {
    const std::scoped_lock lock(mutex);
    if (!producing || now - *producing <= options.longest_wait) return std::nullopt;
    return now - *producing;
  }

  // What is due while the producer is asked.
  void watch() {
    const Clock::time_point now = Clock::now();
    patience.answer_overdue(now, too_late("waited too long"));
    if (!hangs(now)) return;
    {
      const std::scoped_lock lock(mutex);
      if (std::exchange(hang_noted, true)) return;
    }
    log(LogLevel::kWarn, "evidence source hangs", {{"source", producer->source()}});
  }

  Result<attest::AttestedEvidence> produce(const attest::ReportData& data) {
    const Clock::time_point begin = Clock::now();
    {
      const std::scoped_lock lock(mutex);
      producing = begin;
    }
    auto shown = producer->produce(data);
    const std::scoped_lock lock(mutex);
    producing.reset();
    // Whoever closes takes the mutex later: from then on this thread may have been left alone.
    if (closing) return shown;
    options.meter.produced(serving::seconds_between(begin, Clock::now()));
    if (std::exchange(hang_noted, false)) {
      log(LogLevel::kInfo, "evidence source answers again", {{"source", producer->source()}});
    }
    return shown;
  }

  void give(net::Respond& respond, Result<net::Response> made) const {
    options.meter.asked(made ? "ok" : serving::outcome_word(made.error().kind));
    if (made) return respond(std::move(*made));
    Error error = std::move(made.error());
    const bool ours = error.kind == Kind::kDeadline || error.kind == Kind::kInternal;
    if (ours) error.kind = Kind::kUnavailable;
    respond(error_response(error));
  }

  // What a request is to be answered with, as far as it depends on its connection.
  Result<Asked> read(const net::Request& request) const {
    TRY(asked, attest::parse_request(as_text(request.body.bytes)));
    const std::string_view kind = attest::to_string(producer->kind());
    if (!asked.kinds.empty() && std::ranges::find(asked.kinds, kind) == asked.kinds.end()) {
      return fail(Kind::kRefused, "this server has only {} evidence", kind);
    }
    TRY(data,
        report_data_on(*request.channel, attest::Role::kServer, asked.nonce, reply.statement_json));
    return Asked{.data = data, .files = std::move(asked.files), .since = Clock::now()};
  }

  // A body that counts as unread for as long as its connection holds it.
  SharedBytes counted(std::string text) const {
    *unread += text.size();
    const std::shared_ptr<const std::string> owner(new std::string(std::move(text)),
                                                   [unread = unread](const std::string* gone) {
                                                     *unread -= gone->size();
                                                     delete gone;
                                                   });
    return {as_bytes(*owner), owner};
  }

  Result<net::Response> make(const Asked& asked) {
    if (closing) return std::unexpected(busy("shutting down"));
    if (Clock::now() - asked.since > options.longest_wait) {
      return std::unexpected(too_late("waited too long"));
    }
    if (*unread > kMostUnread)
      return std::unexpected(busy("too many clients do not read their replies"));
    auto shown = produce(asked.data);
    if (closing) return std::unexpected(busy("shutting down"));
    if (!shown) {
      log(LogLevel::kWarn, "no evidence",
          {{"source", producer->source()}, {"why", shown.error().message}});
      // Clients must not learn the reason, and can do nothing about it.
      return std::unexpected(busy("the evidence source failed", Kind::kInternal));
    }
    attest::ExchangeReply full = reply;
    full.evidence = std::move(shown->evidence);
    full.endorsements = std::move(shown->endorsements);
    for (const std::string& name : asked.files) {
      if (const auto file = files.find(name); file != files.end()) full.files.insert(*file);
    }
    net::Response response = net::text_response(200, "application/json", "");
    response.body = {counted(attest::write_reply(full))};
    return response;
  }
};

EvidenceService::EvidenceService(std::shared_ptr<State> state)
    : state_(std::move(state)),
      making_(state_->options.queue),
      watching_(0, state_->options.longest_wait / 10, [this] { state_->watch(); }) {}

EvidenceService::~EvidenceService() {
  state_->closing = true;
  state_->patience.answer_all(busy("shutting down"));
  const auto asked = [&] {
    const std::scoped_lock lock(state_->mutex);
    return state_->producing.value_or(Clock::now());
  }();
  if (making_.end_by(asked + state_->options.longest_wait)) return;
  log(LogLevel::kWarn, "evidence source left hanging", {{"source", state_->producer->source()}});
}

Result<std::unique_ptr<EvidenceService>> EvidenceService::start(
    const bundle::Bundle& bundle, const std::string& config_sha256, const std::string& tool,
    std::shared_ptr<attest::Attester> producer, const EvidenceOptions& options) {
  auto state = std::make_shared<State>();
  state->reply.statement_json =
      attest::write_statement({.mode = std::string(attest::kind_class(producer->kind())),
                               .manifest_sha256 = bundle.manifest_sha256(),
                               .config_sha256 = config_sha256,
                               .tool = tool,
                               .sandbox = options.sandbox});
  state->reply.manifest_json = bundle.manifest_json();
  state->reply.manifest_signature = bundle.manifest_signature();
  for (const char* name : attest::kPublicFiles) {
    auto text = bundle.read(name);
    if (!text && text.error().kind == Kind::kNotFound) continue;
    if (!text) return std::unexpected(text.error());
    state->files.emplace(name, std::move(*text));
  }
  state->producer = std::move(producer);
  state->options = options;
  state->rate.emplace(options.per_second, options.burst);
  return std::unique_ptr<EvidenceService>(new EvidenceService(std::move(state)));
}

std::string_view EvidenceService::mode() const {
  return attest::kind_class(state_->producer->kind());
}

void EvidenceService::answer(const net::Request& request, net::Respond respond) {
  if (request.method != "POST") return respond(wrong_method(request, "POST"));
  // Before it is read, which costs more than being refused does.
  const auto hangs = state_->hangs(Clock::now());
  if (!hangs && !state_->may_ask()) {
    state_->options.meter.asked("quota");
    return respond(error_response(busy("the rate limit is exceeded")));
  }
  auto asked = state_->read(request);
  Respond answer = [state = state_,
                    respond = std::move(respond)](Result<net::Response> made) mutable {
    state->give(respond, std::move(made));
  };
  if (!asked) return answer(std::unexpected(std::move(asked.error())));
  if (hangs) {
    return answer(std::unexpected(too_late(
        fmt::format("the evidence source has not answered for {:.0f} s", hangs->count()))));
  }
  const Clock::time_point until = asked->since + state_->options.longest_wait;
  answer_later(
      making_, state_->patience.limit(std::move(answer), until),
      [state = state_, asked = std::move(*asked)] { return state->make(asked); },
      busy(fmt::format("{} requests are waiting", state_->options.queue)));
}

}  // namespace cloister::serving
