#include "worker/shm_server.h"

#include "link/echo.h"
#include "link/shm_frame.h"
#include "link/shm_link.h"
#include "tests/support/fake_program.h"
#include "tests/support/net.h"
#include "tests/support/patience.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"
#include "worker/echo.h"

namespace cloister::serving {
namespace {

using test::expect_error;
using test::floats;
using test::floats_of;
using test::kPatience;
using test::value_of;
using testing::ElementsAre;

class ShmServers : public testing::Test {
 protected:
  std::unique_ptr<ShmServer> serve(Program& program) {
    return value_of(ShmServer::start(program, {program.inputs(), program.outputs()},
                                     {.socket = path_, .model = "m", .version = "1"}, metrics_));
  }
  ShmLink link_to(const Program& program) {
    return ShmLink({.socket = path_}, {{program.inputs(), program.outputs()}});
  }
  // What the server says to these words.
  std::string answer_to(const std::vector<std::string>& words,
                        const Descriptor& file = Descriptor()) {
    ShmSocket socket = value_of(ShmSocket::connect(path_));
    std::string last;
    for (const std::string& word : words) {
      if (!socket.send(word, &word == &words.back() ? file : kNone)) return "closed";
      const auto answer = socket.receive(net::deadline_after(kPatience));
      if (!answer) return answer.error().kind == Kind::kUnavailable ? "closed" : "silent";
      last = answer->text;
    }
    return last;
  }

  const Descriptor kNone;
  const test::TempDir folder_;
  const std::string path_ = (folder_.path() / "body.sock").string();
  Metrics metrics_;
};

TEST_F(ShmServers, AnswerALink) {
  const auto echo = echo_program();
  const auto server = serve(*echo);
  ShmLink link = link_to(*echo);
  ASSERT_TRUE(link.probe(kPatience));
  for (const int64_t size : {1, 1000, 1'000'000, 3}) {
    std::vector<float> values(static_cast<size_t>(size), 0);
    values[0] = static_cast<float>(size);
    EXPECT_THAT(floats_of(value_of(link.call({floats({size}, values)}, 0, kPatience))[0]),
                ElementsAre(static_cast<float>(size)));
  }
  EXPECT_EQ(metrics_.timed(Metrics::Stage::kBody).count, 4U);
}

// Where an output's shape is known, it is computed where the other side reads it.
TEST_F(ShmServers, ComputeInPlace) {
  class InPlace final : public Program {
   public:
    const std::vector<TensorSpec>& inputs() const override { return specs_.inputs; }
    const std::vector<TensorSpec>& outputs() const override { return specs_.outputs; }
    Result<std::vector<Tensor>> run(const std::vector<TensorView>&) override {
      return fail(Kind::kInternal, "copied");
    }
    Result<> run_into(const std::vector<TensorView>& in,
                      const std::vector<OutputPlace>& out) override {
      std::ranges::copy(in[0].data, out[0].data.begin());
      return {};
    }

   private:
    TensorSpecs specs_{{{"h", DType::kF32, {-1, 2}}}, {{"y", DType::kF32, {-1, 2}}}};
  };
  InPlace program;
  const auto server = serve(program);
  ShmLink link = link_to(program);
  EXPECT_THAT(floats_of(value_of(link.call({floats({1, 2}, {3, 4})}, 1, kPatience))[0]),
              ElementsAre(3, 4));
}

TEST_F(ShmServers, CopyOutputsOfOtherShapes) {
  int runs = 0;
  test::FakeProgram halves({{"h", DType::kF32, {-1, 2}}}, {{"y", DType::kF32, {-1, 2}}},
                           [&](const std::vector<TensorView>& in) -> Result<std::vector<Tensor>> {
                             ++runs;
                             return std::vector{floats({in[0].shape[0] / 2, 2}, {1, 2})};
                           });
  const auto server = serve(halves);
  ShmLink link = link_to(halves);
  for (int i = 0; i < 3; ++i) {
    const auto y = link.call({floats({2, 2}, {1, 2, 3, 4})}, 0, kPatience);
    ASSERT_TRUE(y) << y.error().message;
    EXPECT_EQ((*y)[0].shape(), (Shape{1, 2}));
  }
  EXPECT_EQ(runs, 4);  // the first is tried in place
}

TEST_F(ShmServers, SayWhatIsWrongWithACall) {
  const auto program = test::elementwise("h", "y", [](float v) { return v; });
  const auto server = serve(*program);
  ShmLink link = link_to(*program);
  expect_error(link.call({floats({1, 3}, {1, 2, 3})}, 1, kPatience), Kind::kInternal,
               "input 'h': got f32[1,3], want f32[?,2]");
  expect_error(link.call({}, 1, kPatience), Kind::kInternal, "got 0 inputs, want 1");
  EXPECT_TRUE(link.call({floats({1, 2}, {1, 2})}, 1, kPatience));
}

TEST_F(ShmServers, RefuseOtherWords) {
  const auto echo = echo_program();
  const auto server = serve(*echo);
  const std::string hello = kShmHello;
  EXPECT_EQ(answer_to({"cloister-shm/2"}), "closed");
  EXPECT_THAT(answer_to({hello}), testing::HasSubstr(R"("name":"m")"));
  EXPECT_THAT(answer_to({hello, "memory 4096"}), testing::HasSubstr("want 'memory CALL"));
  EXPECT_THAT(answer_to({hello, "memory 4096 -1"}), testing::HasSubstr("sizes of at most"));
  EXPECT_THAT(answer_to({hello, "memory 4096 999999999999"}), testing::HasSubstr("at most"));
  EXPECT_THAT(answer_to({hello, "memory 4096 4096"}), testing::HasSubstr("is sealed"));
  const ShmMemory memory = value_of(ShmMemory::make(4096, 8192));
  EXPECT_THAT(answer_to({hello, "memory 4096 4096"}, memory.file()), testing::HasSubstr("12288"));
  EXPECT_EQ(answer_to({hello, "memory 4096 8192"}, memory.file()), "ok");
}

TEST_F(ShmServers, AnswerToNumberedCallsOnly) {
  const auto echo = echo_program();
  const auto server = serve(*echo);
  ShmSocket socket = value_of(ShmSocket::connect(path_));
  const ShmMemory memory = value_of(ShmMemory::make(4096, 4096));
  ASSERT_TRUE(socket.send(kShmHello));
  ASSERT_TRUE(socket.receive(net::deadline_after(kPatience)));
  ASSERT_TRUE(socket.send("memory 4096 4096", memory.file()));
  ASSERT_TRUE(socket.receive(net::deadline_after(kPatience)));
  for (uint32_t call = 0; call < 3; ++call) {
    // Whatever is in the area, even zeros, gets an answer with the call's number.
    memory.call_bell().ring();
    ASSERT_TRUE(memory.reply_bell().wait(call, net::deadline_after(kPatience)));
    const Frame frame = value_of(read_frame(memory.reply_area(), call + 1));
    EXPECT_EQ(frame.status, FrameStatus::kInvalid);
    EXPECT_THAT(frame.text, testing::HasSubstr("message 0"));
  }
}

TEST_F(ShmServers, EndWhileOthersAreConnected) {
  const auto echo = echo_program();
  auto server = serve(*echo);
  ShmLink link = link_to(*echo);
  ASSERT_TRUE(link.call({floats({1}, {1})}, 0, kPatience));
  const ShmSocket silent = value_of(ShmSocket::connect(path_));
  server.reset();
  expect_error(link.call({floats({1}, {1})}, 0, kPatience), Kind::kUnavailable, "");
}

TEST_F(ShmServers, HaveRoomForManyChannels) {
  const auto echo = echo_program();
  const auto server = serve(*echo);
  {
    std::vector<ShmSocket> sockets;
    for (int i = 0; i < 64; ++i) sockets.push_back(value_of(ShmSocket::connect(path_)));
    EXPECT_EQ(answer_to({kShmHello}), "closed");
  }
  EXPECT_TRUE(test::eventually([&] { return answer_to({kShmHello}) != "closed"; }));
}

}  // namespace
}  // namespace cloister::serving
