#include "link/shm_link.h"

#include <fcntl.h>

#include "base/file.h"
#include "tests/support/fake_program.h"
#include "tests/support/hostile_shm_worker.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using test::expect_error;
using test::floats;
using test::floats_of;
using test::HostileShmWorker;
using test::value_of;
using testing::ElementsAre;
using Called = HostileShmWorker::Called;

class ShmLinks : public testing::Test {
 protected:
  Result<std::vector<Tensor>> ask(int64_t items = 2) {
    return link_.call({floats({2, 2}, {1, 2, 3, 4})}, items, limit_);
  }
  void expect_fault(HostileShmWorker::Script script, Kind kind, const std::string& part) {
    worker_->set_script(std::move(script));
    expect_error(ask(), kind, part);
  }
  static HostileShmWorker::Script replies(std::vector<Tensor> outputs) {
    return [outputs = std::move(outputs)](const Called& called) {
      called.reply(outputs);
      called.ring();
      return true;
    };
  }
  void expect_other_model(const TensorSpecs& specs, const std::string& part) {
    worker_->set_metadata(HostileShmWorker::metadata({"m", {}, "", specs.inputs, specs.outputs}));
    expect_error(link_.probe(limit_), Kind::kInvalid, part);
    expect_error(ask(), Kind::kInvalid, part);
  }

  test::TempDir folder_;
  const std::string path_ = (folder_.path() / "w.sock").string();
  TensorSpecs specs_{{{"h", DType::kF32, {-1, 2}}}, {{"y", DType::kF32, {-1, 2}}}};
  Seconds limit_ = test::kPatience;
  std::optional<HostileShmWorker> worker_{
      std::in_place, path_, test::elementwise("h", "y", [](float v) { return v + 1; })};
  ShmLink link_{{.socket = path_}, {specs_}};
};

TEST_F(ShmLinks, GiveTheOutputs) {
  ASSERT_TRUE(link_.probe(limit_));
  const auto outputs = value_of(ask());
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_THAT(floats_of(outputs[0]), ElementsAre(2, 3, 4, 5));
}

TEST_F(ShmLinks, KeepChannelsThatAreLargeEnough) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ask());
  EXPECT_EQ(worker_->channels(), 1);
  constexpr int64_t kMany = 100'000;
  const Tensor large = value_of(Tensor::make(DType::kF32, {kMany, 2}));
  EXPECT_EQ(value_of(link_.call({large}, kMany, limit_))[0].shape(), (Shape{kMany, 2}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ask());
  EXPECT_EQ(worker_->channels(), 2);
}

TEST_F(ShmLinks, TakeSeveralCallsAtATime) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto value = static_cast<float>(100 * t + i);
        const auto y = link_.call({floats({1, 2}, {value, -value})}, 1, limit_);
        if (y && floats_of((*y)[0]) == std::vector{value + 1, 1 - value}) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

TEST_F(ShmLinks, AreUnavailableWhereNobodyListens) {
  const std::string nowhere = path_ + "x";
  ShmLink link({.socket = nowhere}, {specs_});
  expect_error(link.probe(limit_), Kind::kUnavailable, "can't connect");
  expect_error(link.call({floats({1, 2}, {1, 2})}, 1, limit_), Kind::kUnavailable, "can't connect");
  ASSERT_TRUE(ask());
  worker_.reset();
  expect_error(ask(), Kind::kUnavailable, "can't connect");
  worker_.emplace(path_, test::elementwise("h", "y", [](float v) { return v + 2; }));
  EXPECT_THAT(floats_of(value_of(ask())[0]), ElementsAre(3, 4, 5, 6));
}

TEST_F(ShmLinks, TellFaultsApart) {
  expect_fault([](const Called&) { return false; }, Kind::kUnavailable, "closed the connection");
  expect_fault(
      [](const Called& called) {
        write_error(called.memory.reply_area(), called.sequence, FrameStatus::kFailed, "no\nGPU");
        called.ring();
        return true;
      },
      Kind::kInternal, "no\\x0aGPU");
  expect_fault(
      [](const Called& called) {
        called.ring();  // and no reply
        return true;
      },
      Kind::kInvalid, "message 1, want 2");  // the channel was as good as before
  expect_fault(
      [](const Called& called) {
        called.reply(called.honest(), called.sequence + 1);
        called.ring();
        return true;
      },
      Kind::kInvalid, "message 2, want 1");
  expect_fault(replies({}), Kind::kInvalid, "0 outputs, want 1");
  expect_fault(replies({floats({2, 1}, {1, 2})}), Kind::kInvalid, "want f32[2,2]");
  expect_fault(replies({floats({1, 2}, {1, 2})}), Kind::kInvalid, "want f32[2,2]");
  expect_fault(replies({value_of(Tensor::make(DType::kF64, {2, 2}))}), Kind::kInvalid, "f64[2,2]");
  limit_ = Seconds(0.05);
  expect_fault([](const Called&) { return true; }, Kind::kDeadline, "no answer in time");
  limit_ = test::kPatience;
  worker_->set_script(HostileShmWorker::honest);
  EXPECT_TRUE(ask());
}

// A bell that rings when nothing was asked answers the next call at once, with what is there.
TEST_F(ShmLinks, TakeNoEarlyReply) {
  worker_->set_script([](const Called& called) {
    HostileShmWorker::honest(called);
    called.ring();
    return true;
  });
  for (int i = 0; i < 20; ++i) {
    const auto outputs = ask();
    if (outputs) {
      EXPECT_THAT(floats_of((*outputs)[0]), ElementsAre(2, 3, 4, 5));
    } else {
      EXPECT_EQ(outputs.error().kind, Kind::kInvalid);
    }
  }
}

// Memory that goes on changing after the reply changes nothing that was given out.
TEST_F(ShmLinks, GiveOutCopies) {
  std::atomic<bool> done = false;
  std::vector<std::thread> scribblers;
  worker_->set_script([&](const Called& called) {
    HostileShmWorker::honest(called);
    if (called.sequence > 1) return true;
    const ShmMemory& memory = called.memory;
    scribblers.emplace_back([&done, own = value_of(ShmMemory::map(
                                        Descriptor(::dup(memory.file().get())),
                                        memory.call_area().size(), memory.reply_area().size()))] {
      for (uint8_t value = 0; !done; ++value) std::memset(own.reply_area().data(), value, 512);
    });
    return true;
  });
  for (int i = 0; i < 200; ++i) {
    const auto outputs = ask();
    if (!outputs) {
      EXPECT_EQ(outputs.error().kind, Kind::kInvalid) << outputs.error().message;
      continue;
    }
    ASSERT_EQ((*outputs)[0].shape(), (Shape{2, 2}));
    const auto first = floats_of((*outputs)[0]);
    std::this_thread::yield();
    EXPECT_EQ(0, std::memcmp(first.data(), (*outputs)[0].data().data(), 16));
  }
  worker_.reset();
  done = true;
  EXPECT_FALSE(scribblers.empty());
  for (std::thread& scribbler : scribblers) scribbler.join();
}

TEST_F(ShmLinks, CompareModels) {
  const auto spec = [](const char* name, Shape dims, DType type = DType::kF32) {
    return TensorSpec{name, type, std::move(dims)};
  };
  const auto& [in, out] = specs_;
  expect_other_model({{spec("h", {-1, 3})}, out}, "input 'h' is f32[?,3], want f32[?,2]");
  expect_other_model({{spec("h", {-1, 2}, DType::kF64)}, out}, "f64[?,2]");
  expect_other_model({in, {spec("z", {-1, 2})}}, "no output 'y'");
  expect_other_model({in, {}}, "0 outputs, want 1");
  worker_->set_metadata("{");
  expect_error(link_.probe(limit_), Kind::kInvalid, "");
  worker_->set_metadata(std::string(100'000, '['));
  expect_error(link_.probe(limit_), Kind::kInvalid, "");
}

TEST_F(ShmLinks, WantTheOrderOfTensors) {
  const TensorSpec y{"y", DType::kF32, {-1, 2}};
  const TensorSpec z{"z", DType::kF32, {-1, 2}};
  ShmLink link({.socket = path_}, {{specs_.inputs, {y, z}}});
  worker_->set_metadata(HostileShmWorker::metadata({"m", {}, "", specs_.inputs, {z, y}}));
  expect_error(link.probe(limit_), Kind::kInvalid, "outputs are 'z', 'y', want the order 'y', 'z'");
}

TEST_F(ShmLinks, SayWhyNoMemoryIsTaken) {
  worker_->set_consent("too\tmuch");
  expect_error(ask(), Kind::kInternal, "refuses shared memory: too\\x09much");
}

TEST_F(ShmLinks, SayWhoseFaultItIsThatNothingCanBeSent) {
  const std::vector<Tensor> many(9000, floats({1}, {1}));
  expect_error(link_.call(many, 1, limit_), Kind::kUnsupported, "too many");
}

// A reply of any size is taken where none is promised, up to a limit.
TEST_F(ShmLinks, TakeWhatIsFreeInSize) {
  TensorSpecs free{specs_.inputs, {{"y", DType::kF32, {-1, -1}}}};
  ShmLink link({.socket = path_, .most_reply_bytes = 1 << 16}, {free});
  worker_->set_metadata(HostileShmWorker::metadata({"m", {}, "", free.inputs, free.outputs}));
  worker_->set_script(replies({floats({2, 3}, {1, 2, 3, 4, 5, 6})}));
  EXPECT_EQ(value_of(link.call({floats({2, 2}, {1, 2, 3, 4})}, 2, limit_))[0].shape(),
            (Shape{2, 3}));
  worker_->set_script([](const Called& called) {
    // The head of a larger message than there is room for.
    const TensorView large{DType::kF32, {2, 1 << 20}, {}};
    std::vector<std::byte> elsewhere(value_of(frame_bytes({large})));
    value_of(write_frame(elsewhere, called.sequence, {large}));
    std::ranges::copy(Bytes(elsewhere).first(64), called.memory.reply_area().begin());
    called.ring();
    return true;
  });
  expect_error(link.call({floats({2, 2}, {1, 2, 3, 4})}, 2, limit_), Kind::kInvalid, "in room for");
}

TEST(ShmListeners, TakeOverOnlyWhatIsLeft) {
  const test::TempDir folder;
  const std::string path = (folder.path() / "s").string();
  {
    const auto listener = value_of(ShmListener::open(path));
    expect_error(ShmListener::open(path), Kind::kUsage, "a server listens");
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE(write_file(path, "a file"));
  expect_error(ShmListener::open(path), Kind::kUsage, "is no socket");
  expect_error(ShmListener::open(std::string(200, 'x')), Kind::kUsage, "1 to 107 bytes");
}

TEST(ShmMemories, AreTakenOnlySealedAndOfTheirSize) {
  const ShmMemory made = value_of(ShmMemory::make(4096, 8192));
  const auto copy = [&] { return Descriptor(::dup(made.file().get())); };
  EXPECT_TRUE(ShmMemory::map(copy(), 4096, 8192));
  expect_error(ShmMemory::map(copy(), 8192, 8192), Kind::kInvalid, "memory of 16384 bytes");
  expect_error(ShmMemory::map(copy(), 4096, 1), Kind::kInvalid, "multiples of 4096");
  expect_error(ShmMemory::map(copy(), UINT64_MAX - 4095, 4096), Kind::kInvalid, "overflows");
  expect_error(ShmMemory::map(Descriptor(), 4096, 8192), Kind::kInvalid, "sealed");
  Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  expect_error(ShmMemory::map(std::move(file), 4096, 8192), Kind::kInvalid, "sealed");
  EXPECT_NE(::ftruncate(made.file().get(), 0), 0);
  EXPECT_NE(::ftruncate(made.file().get(), 1 << 20), 0);
}

}  // namespace
}  // namespace cloister
