#include "worker/shm_server.h"

#include <algorithm>

#include "base/log.h"
#include "base/parse_number.h"
#include "base/survive.h"
#include "link/shm_frame.h"
#include "link/shm_link.h"
#include "link/worker_model.h"

namespace cloister::serving {
namespace {

constexpr size_t kMostChannels = 64;
// Both for its first words; later it may be idle as long as it likes.
constexpr std::chrono::seconds kGreetingLimit{10};
// Within which an idle channel notices that its other end is gone, or that the server ends.
constexpr std::chrono::milliseconds kBetweenLooks{100};
constexpr std::chrono::milliseconds kWithoutDescriptors{100};

struct Areas {
  uint64_t call_bytes;
  uint64_t reply_bytes;
};

// "memory CALL REPLY"
Result<Areas> parse_areas(std::string_view text, uint64_t most) {
  constexpr std::string_view kWord = "memory ";
  const size_t space = text.rfind(' ');
  if (!text.starts_with(kWord) || space < kWord.size()) {
    return invalid("'{}', want 'memory CALL_BYTES REPLY_BYTES'", printable(text));
  }
  const auto call = parse_number<uint64_t>(text.substr(kWord.size(), space - kWord.size()));
  const auto reply = parse_number<uint64_t>(text.substr(space + 1));
  if (!call || !reply || std::max(*call, *reply) > most) {
    return invalid("'{}', want sizes of at most {} bytes", printable(text), most);
  }
  return Areas{*call, *reply};
}

FrameStatus status_of(Kind kind) {
  return kind == Kind::kInvalid ? FrameStatus::kInvalid : FrameStatus::kFailed;
}

}  // namespace

struct ShmServer::Channel {
  explicit Channel(ShmSocket given) : socket(std::move(given)) {}

  ShmSocket socket;
  std::atomic<bool> ended = false;
  std::thread thread;
};

ShmServer::ShmServer(Program& program, TensorSpecs specs, ShmServerOptions options,
                     Metrics& metrics)
    : program_(program),
      specs_(std::move(specs)),
      options_(std::move(options)),
      metrics_(metrics) {}

Result<std::unique_ptr<ShmServer>> ShmServer::start(Program& program, TensorSpecs specs,
                                                    ShmServerOptions options, Metrics& metrics) {
  std::unique_ptr<ShmServer> server(
      new ShmServer(program, std::move(specs), std::move(options), metrics));
  TRY(listener, ShmListener::open(server->options_.socket));
  server->listener_ = std::move(listener);
  server->acceptor_ = std::thread([raw = server.get()] { raw->accept(); });
  return server;
}

ShmServer::~ShmServer() {
  if (!acceptor_.joinable()) return;
  closing_ = true;
  listener_->shut_down();
  acceptor_.join();
  for (Channel& channel : channels_) channel.socket.shut_down();
  for (Channel& channel : channels_) channel.thread.join();
}

void ShmServer::accept() {
  while (!closing_) {
    auto socket = listener_->accept();
    if (!socket) {
      log(LogLevel::kWarn, "shared-memory link refused", {{"why", socket.error().message}});
      std::this_thread::sleep_for(kWithoutDescriptors);
      continue;
    }
    if (!*socket) return;
    std::erase_if(channels_, [](Channel& channel) {
      if (channel.ended) channel.thread.join();
      return channel.ended.load();
    });
    if (channels_.size() >= kMostChannels) continue;
    (void)survive([&] {
      std::list<Channel> one;
      Channel& channel = one.emplace_back(std::move(**socket));
      channel.thread = std::thread([this, &channel] { serve(channel); });
      channels_.splice(channels_.end(), one);
    });
  }
}

void ShmServer::serve(Channel& channel) {
  (void)survive([&] {
    const auto done = converse(channel.socket);
    if (!done && done.error().kind != Kind::kUnavailable) {
      log(LogLevel::kInfo, "shared-memory link ended", {{"why", done.error().message}});
    }
  });
  channel.socket.shut_down();
  channel.ended = true;
}

// Until the other end goes, which is kUnavailable.
Result<> ShmServer::converse(ShmSocket& socket) {
  TRY(memory, agree(socket));
  const Bell call = memory.call_bell();
  uint32_t heard = 0;
  for (uint64_t sequence = 1; !closing_; ++sequence) {
    while (!call.wait(heard, net::Clock::now() + kBetweenLooks)) {
      if (closing_) return {};
      if (!socket.is_quiet()) return fail(Kind::kUnavailable, "closed");
    }
    heard = call.count();
    answer(memory, sequence);
    memory.reply_bell().ring();
  }
  return {};
}

Result<ShmMemory> ShmServer::agree(ShmSocket& socket) const {
  const auto deadline = net::deadline_after(kGreetingLimit);
  TRY(hello, socket.receive(deadline));
  if (hello.text != kShmHello) {
    return invalid("'{}', want '{}'", printable(hello.text), kShmHello);
  }
  TRY_OK(socket.send(oip::write_model_metadata({.name = options_.model,
                                                .versions = {options_.version},
                                                .platform = options_.platform,
                                                .inputs = specs_.inputs,
                                                .outputs = specs_.outputs,
                                                .segment_sha256 = options_.segment_sha256})));
  TRY(request, socket.receive(deadline));
  const auto refuse = [&](const Error& error) -> std::unexpected<Error> {
    (void)socket.send(error.message);
    return std::unexpected(error);
  };
  const auto areas = parse_areas(request.text, options_.most_bytes);
  if (!areas) return refuse(areas.error());
  auto memory = ShmMemory::map(std::move(request.file), areas->call_bytes, areas->reply_bytes);
  if (!memory) return refuse(memory.error());
  TRY_OK(socket.send("ok"));
  return memory;
}

void ShmServer::answer(const ShmMemory& memory, uint64_t sequence) {
  const auto began = std::chrono::steady_clock::now();
  Result<> done = fail(Kind::kIo, "out of memory");
  (void)survive([&] { done = compute(memory, sequence); });
  if (!done) {
    write_error(memory.reply_area(), sequence, status_of(done.error().kind), done.error().message);
  }
  metrics_.request(done ? "ok" : outcome_word(done.error().kind));
  metrics_.time(Metrics::Stage::kBody, seconds_between(began, std::chrono::steady_clock::now()));
}

Result<> ShmServer::compute(const ShmMemory& memory, uint64_t sequence) {
  TRY(call, read_frame(memory.call_area(), sequence));
  TRY_OK(check_inputs(specs_.inputs, call.tensors));
  const bool batched =
      !call.tensors.empty() && !call.tensors[0].shape.empty() && specs_.inputs[0].dims[0] < 0;
  const int64_t items = batched ? call.tensors[0].shape[0] : 0;
  const MutableBytes area = memory.reply_area();
  const std::scoped_lock lock(running_);
  const bool known = in_place_ && bytes_of(specs_.outputs, items);
  if (known && run_in_place(call.tensors, items, area, sequence)) return {};
  TRY(outputs, program_.run(call.tensors));
  TRY_OK(write_tensors(area, sequence, outputs));
  if (known) in_place_ = false;  // it was not the call's fault
  return {};
}

Result<> ShmServer::run_in_place(const std::vector<TensorView>& inputs, int64_t items,
                                 MutableBytes area, uint64_t sequence) {
  std::vector<TensorView> views;
  for (const TensorSpec& spec : specs_.outputs) {
    views.push_back({.dtype = spec.dtype, .shape = dims_of(spec, items), .data = {}});
  }
  TRY(places, write_frame(area, sequence, views));
  std::vector<OutputPlace> outputs;
  for (size_t i = 0; i < views.size(); ++i) {
    outputs.push_back({views[i].dtype, views[i].shape, places[i]});
  }
  return program_.run_into(inputs, outputs);
}

}  // namespace cloister::serving
