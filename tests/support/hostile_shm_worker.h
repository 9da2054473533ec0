// A worker at the other end of a shared-memory link: polite until it has the memory, and then as a
// test likes.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "engine/engine.h"
#include "link/shm_frame.h"
#include "link/shm_link.h"
#include "link/shm_memory.h"
#include "link/shm_socket.h"
#include "tests/support/patience.h"
#include "tests/support/result.h"
#include "wire/oip.h"

namespace cloister::test {

class HostileShmWorker {
 public:
  // A call, and what an honest worker does with it.
  struct Called {
    HostileShmWorker& worker;
    const ShmMemory& memory;
    uint64_t sequence;

    std::vector<Tensor> honest() const {
      const Frame frame = value_of(read_frame(memory.call_area(), sequence));
      return value_of(worker.program_->run(frame.tensors));
    }
    void reply(const std::vector<Tensor>& outputs) const { reply(outputs, sequence); }
    void reply(const std::vector<Tensor>& outputs, uint64_t number) const {
      const auto written = write_tensors(memory.reply_area(), number, outputs);
      EXPECT_TRUE(written) << written.error().message;
    }
    void ring() const { memory.reply_bell().ring(); }
  };
  // False: the connection is closed after it.
  using Script = std::function<bool(const Called&)>;

  static bool honest(const Called& called) {
    called.reply(called.honest());
    called.ring();
    return true;
  }

  HostileShmWorker(const std::string& path, std::unique_ptr<Program> program)
      : program_(std::move(program)),
        metadata_(metadata({"m", {}, "", program_->inputs(), program_->outputs()})) {
    listener_ = value_of(ShmListener::open(path));
    acceptor_ = std::thread([this] { accept(); });
  }
  ~HostileShmWorker() {
    closing_ = true;
    listener_->shut_down();
    acceptor_.join();
    for (ShmSocket& socket : sockets_) socket.shut_down();
    for (std::thread& thread : threads_) thread.join();
  }

  static std::string metadata(const oip::ModelMetadata& model) {
    return oip::write_model_metadata(model);
  }
  void set_script(Script script) {
    const std::scoped_lock lock(mutex_);
    script_ = std::move(script);
  }
  // What is said of the model.
  void set_metadata(std::string json) {
    const std::scoped_lock lock(mutex_);
    metadata_ = std::move(json);
  }
  // What is said to the memory.
  void set_consent(std::string text) {
    const std::scoped_lock lock(mutex_);
    consent_ = std::move(text);
  }
  int channels() const { return channels_; }
  bool closing() const { return closing_; }

 private:
  void accept() {
    while (auto socket = value_of(listener_->accept())) {
      sockets_.push_back(std::move(*socket));
      threads_.emplace_back([this, &socket = sockets_.back()] {
        converse(socket);
        socket.shut_down();
      });
    }
  }

  void converse(ShmSocket& socket) {
    const auto deadline = net::deadline_after(kPatience);
    const auto hello = socket.receive(deadline);
    if (!hello) return;
    EXPECT_EQ(hello->text, kShmHello);
    if (!socket.send(read(metadata_))) return;
    auto asked = socket.receive(deadline);
    if (!asked) return;
    uint64_t call_bytes = 0;
    uint64_t reply_bytes = 0;
    EXPECT_EQ(std::sscanf(asked->text.c_str(), "memory %lu %lu", &call_bytes, &reply_bytes), 2);
    const ShmMemory memory =
        value_of(ShmMemory::map(std::move(asked->file), call_bytes, reply_bytes));
    if (!socket.send(read(consent_))) return;
    ++channels_;
    uint32_t heard = 0;
    for (uint64_t sequence = 1;; ++sequence) {
      while (!memory.call_bell().wait(heard, net::deadline_after(std::chrono::milliseconds(20)))) {
        if (closing_ || !socket.is_quiet()) return;
      }
      heard = memory.call_bell().count();
      if (!read(script_)(Called{*this, memory, sequence})) return;
    }
  }

  template <typename T>
  T read(const T& what) {
    const std::scoped_lock lock(mutex_);
    return what;
  }

  std::unique_ptr<Program> program_;
  std::mutex mutex_;  // of what a test sets
  std::string metadata_;
  std::string consent_ = "ok";
  Script script_ = honest;
  std::atomic<int> channels_ = 0;
  std::atomic<bool> closing_ = false;
  std::unique_ptr<ShmListener> listener_;
  std::list<ShmSocket> sockets_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace cloister::test
