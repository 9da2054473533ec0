#include "link/http_link.h"

#include "tests/support/fake_program.h"
#include "tests/support/hostile_worker.h"
#include "tests/support/patience.h"

namespace cloister {
namespace {

using test::Asked;
using test::expect_error;
using test::floats;
using test::HostileWorker;
using test::http_text;
using test::RawSocket;
using test::value_of;

class HttpLinks : public testing::Test {
 protected:
  Result<std::vector<Tensor>> ask(int64_t items = 2) {
    return link_.call({floats({2, 2}, {1, 2, 3, 4})}, items, limit_);
  }
  Result<> metadata(const std::string& json) {
    worker_.set_metadata(json);
    return link_.probe(cloister::test::kPatience);
  }
  void expect_fault(HostileWorker::Script script, Kind kind, const std::string& part) {
    worker_.set_script(std::move(script));
    expect_error(ask(), kind, part);
  }
  static HostileWorker::Script says(const std::string& text) {
    return [text](RawSocket& socket, const Asked&) { return socket.send(text); };
  }

  TensorSpecs specs_{{{"h", DType::kF32, {-1, 2}}}, {{"y", DType::kF32, {-1, 2}}}};
  Seconds limit_ = cloister::test::kPatience;
  HostileWorker worker_{test::elementwise("h", "y", [](float v) { return v + 1; })};
  HttpLink link_{{.model = worker_.url()}, {specs_}};
};

TEST_F(HttpLinks, GiveTheOutputs) {
  const auto outputs = value_of(ask());
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_THAT(test::floats_of(outputs[0]), testing::ElementsAre(2, 3, 4, 5));
}

TEST_F(HttpLinks, EachCallHasAnIdOfItsOwn) {
  std::vector<std::string> ids;
  worker_.set_script([&](RawSocket& socket, const Asked& asked) {
    ids.push_back(asked.request.id);
    return HostileWorker::honest(socket, asked);
  });
  ASSERT_TRUE(ask());
  ASSERT_TRUE(ask());
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0].size(), 16U);
  EXPECT_NE(ids[0], ids[1]);
}

// A connection that the worker closed after its answer says nothing of the worker.
TEST_F(HttpLinks, AreMadeAnewWhenTheWorkerClosedThem) {
  worker_.set_script([](RawSocket& socket, const Asked& asked) {
    HostileWorker::honest(socket, asked);
    return false;
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask());
}

// RFC 9112, sections 9.3 and 9.6: gunicorn's default workers do so, and nginx without keep-alive.
TEST_F(HttpLinks, TakeWorkersThatCloseEachConnection) {
  for (const auto keeps : {HostileWorker::Keeps::kClosesSayingSo, HostileWorker::Keeps::kCloses}) {
    worker_.set_keeps(keeps);
    worker_.set_trial([](RawSocket& socket, const Asked& asked) {
      HostileWorker::honest(socket, asked);
      return false;
    });
    HttpLink link({.model = worker_.url()}, {specs_});
    for (int i = 0; i < 3; ++i) {
      const auto found = link.probe(cloister::test::kPatience);
      EXPECT_TRUE(found) << found.error().message;
    }
  }
}

TEST_F(HttpLinks, SayWhichWorkersRefuseAllRequests) {
  const std::string refusal = R"({"error":"binary data\u001b is not known"})";
  for (const unsigned status : {400, 401, 404, 413, 415, 422}) {
    worker_.set_trial(says(http_text(status, refusal)));
    for (int i = 0; i < 2; ++i) {
      expect_error(
          link_.probe(cloister::test::kPatience), Kind::kRefused,
          fmt::format("it refuses inference requests: status {}: binary data\\x1b is not known",
                      status));
    }
  }
  worker_.set_trial(HostileWorker::honest);
  EXPECT_TRUE(link_.probe(cloister::test::kPatience));
}

TEST_F(HttpLinks, TryWorkersOnceAndTakeOnlyARefusalForOne) {
  const std::vector<HostileWorker::Script> passing = {
      HostileWorker::honest,      says(http_text(500, "{}")), says(http_text(503, "{}")),
      says(http_text(429, "{}")), says(http_text(408, "{}")), says("garbage\r\n\r\n")};
  for (const auto& script : passing) {
    std::atomic<int> tried = 0;
    worker_.set_trial([&tried, script](RawSocket& socket, const Asked& asked) {
      ++tried;
      EXPECT_EQ(asked.request.inputs.at(0).tensor.shape(), (Shape{1, 2}));
      return script(socket, asked);
    });
    HttpLink link({.model = worker_.url()}, {specs_});
    EXPECT_TRUE(link.probe(cloister::test::kPatience));
    EXPECT_TRUE(link.probe(cloister::test::kPatience));
    EXPECT_EQ(tried, 1);
    // It may come back as another.
    worker_.set_ready(false);
    EXPECT_FALSE(link.probe(cloister::test::kPatience));
    worker_.set_ready(true);
    EXPECT_TRUE(link.probe(cloister::test::kPatience));
    EXPECT_EQ(tried, 2);
    worker_.set_trial(HostileWorker::honest);
  }
}

// What is free has a meaning of its own, and the worker may be right to refuse.
TEST_F(HttpLinks, TryNoWorkersWhoseInputsAreFree) {
  worker_.set_trial(says(http_text(400, "{}")));
  HttpLink unbatched({.model = worker_.url(), .batched = false}, {specs_});
  EXPECT_TRUE(unbatched.probe(cloister::test::kPatience));
  const TensorSpecs free{{{"h", DType::kF32, {-1, -1}}}, {{"y", DType::kF32, {-1, -1}}}};
  HttpLink any({.model = worker_.url()}, {free});
  EXPECT_TRUE(any.probe(cloister::test::kPatience));
}

TEST_F(HttpLinks, SayWhoseFaultItIsThatNothingCanBeSent) {
  // The protocol has no complex numbers.
  const Tensor strange = value_of(Tensor::make(DType::kC64, {1, 2}));
  expect_error(link_.call({strange}, 1, cloister::test::kPatience), Kind::kUnsupported, "c64");
  EXPECT_EQ(worker_.asked(), 0);
}

TEST_F(HttpLinks, AreUnavailableWhereNobodyListens) {
  HttpLink nowhere({.model = {.host = "127.0.0.1", .port = 1, .path = "/v2/models/m"}}, {specs_});
  expect_error(nowhere.call({floats({2, 2}, {1, 2, 3, 4})}, 2, cloister::test::kPatience),
               Kind::kUnavailable, "");
  expect_error(nowhere.probe(cloister::test::kPatience), Kind::kUnavailable, "");
}

TEST_F(HttpLinks, HoldTheBatchToItsItems) {
  EXPECT_TRUE(ask(2));
  EXPECT_TRUE(ask(0)) << "no batch: the first dimension is free";
  expect_error(ask(3), Kind::kInvalid, "output 'y': got f32[2,2], want f32[3,2]");
}

TEST_F(HttpLinks, TellFaultsApart) {
  expect_fault(says(http_text(503, R"({"error":"full"})")), Kind::kRefused,
               "busy: status 503: full");
  expect_fault(says(http_text(429, "")), Kind::kRefused, "busy: status 429: nothing");
  expect_fault(says(http_text(400, R"({"error":"no\u001b"})")), Kind::kInternal,
               "status 400: no\\x1b");
  expect_fault(says(http_text(500, "x")), Kind::kInternal, "no error object: 'x'");
  expect_fault(says(http_text(302, "")), Kind::kInvalid, "status 302");
  expect_fault(says(http_text(200, "{}")), Kind::kInvalid, "model_name");
  expect_fault(says("garbage\r\n\r\n"), Kind::kInvalid, "HTTP");
  expect_fault([](RawSocket&, const Asked&) { return false; }, Kind::kUnavailable, "closed");
  limit_ = Seconds(0.05);
  expect_fault(
      [](RawSocket& socket, const Asked&) {
        HostileWorker::wait_for_close(socket);
        return false;
      },
      Kind::kDeadline, "");
}

TEST_F(HttpLinks, BoundRepliesByWhatWasAsked) {
  expect_fault(says(http_text(200, std::string(65'540, ' '))), Kind::kInvalid,
               "a reply with 65540 bytes of JSON, want at most 65536");
  const std::string json(70'000, ' ');
  expect_fault(
      says(http_text(200, json + "12345678", "Inference-Header-Content-Length: 70000\r\n")),
      Kind::kInvalid, "a body of 70008 bytes, want at most 65552");
  expect_fault(says("HTTP/1.1 200 S\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "20000\r\n"),
               Kind::kInvalid, "too large");
}

// A client may have asked for what is too large for us: no lie of the worker's.
TEST_F(HttpLinks, BlameNoWorkerForWhatOnlyWeCantTake) {
  specs_.outputs[0].dims = {-1, -1};
  HttpLink free({.model = worker_.url(), .client = {.max_body_bytes = 1000}}, {specs_});
  worker_.set_script(says(http_text(200, std::string(1001, ' '))));
  expect_error(free.call({floats({2, 2}, {1, 2, 3, 4})}, 2, limit_), Kind::kInternal,
               "a body of 1001 bytes, want at most 1000");
}

// Others' servers do not say which segment they have.
TEST_F(HttpLinks, TakeNoOtherSegment) {
  HttpLink link({.model = worker_.url()}, {specs_, "ab"});
  EXPECT_TRUE(link.probe(limit_));
  oip::ModelMetadata model{.name = "m", .inputs = specs_.inputs, .outputs = specs_.outputs};
  for (const std::string digest : {"ab", "cd"}) {
    model.segment_sha256 = digest;
    worker_.set_metadata(oip::write_model_metadata(model));
    EXPECT_TRUE(link_.probe(limit_)) << "it wants none";
    EXPECT_EQ(link.probe(limit_).has_value(), digest == "ab");
  }
  expect_error(link.probe(limit_), Kind::kInvalid, "its model is segment cd, want ab");
}

TEST_F(HttpLinks, CompareModels) {
  const auto model = [](const std::string& inputs, const std::string& outputs) {
    return R"({"name":"m","versions":["1"],"platform":"","inputs":[)" + inputs +
           R"(],"outputs":[)" + outputs + "]}";
  };
  const auto spec = [](const std::string& name, const std::string& type, const std::string& dims) {
    return R"({"name":")" + name + R"(","datatype":")" + type + R"(","shape":)" + dims + "}";
  };
  const std::string h = spec("h", "FP32", "[-1,2]");
  const std::string y = spec("y", "FP32", "[-1,2]");
  EXPECT_TRUE(metadata(model(h, y)));
  EXPECT_TRUE(metadata(model(spec("h", "FP32", "[2]"), spec("y", "FP32", "[-1,-1]"))));
  EXPECT_TRUE(metadata(model(spec("h", "FP32", "[8,2]"), y))) << "the batch may be fixed there";
  const std::pair<std::string, const char*> wrong[] = {
      {model("", y), "its model has 0 inputs, want 1"},
      {model(h, y + "," + spec("z", "FP32", "[1]")), "its model has 2 outputs, want 1"},
      {model(spec("x", "FP32", "[-1,2]"), y), "no input 'h'"},
      {model(spec("h", "FP64", "[-1,2]"), y), "input 'h' is f64[?,2], want f32[?,2]"},
      {model(h, spec("y", "FP32", "[-1,3]")), "output 'y' is f32[?,3], want f32[?,2]"},
      {model(h, spec("y", "FP32", "[3]")), "output 'y' is f32[3], want f32[?,2]"},
      {model(h, spec("y", "FP32", "[1,1,1,2]")), "output 'y' is f32[1,1,1,2]"},
      {model(h, spec("y", "FP32", "[-2,2]")), "shape[0]"},
      {"[]", "want an object"},
      {"", "no JSON"},
  };
  for (const auto& [json, part] : wrong) {
    SCOPED_TRACE(json);
    expect_error(metadata(json), Kind::kInvalid, part);
  }
}

TEST_F(HttpLinks, AskWhetherItIsReady) {
  EXPECT_TRUE(link_.probe(cloister::test::kPatience));
  worker_.set_ready(false);
  expect_error(link_.probe(cloister::test::kPatience), Kind::kUnavailable, "not ready: status 503");
}

}  // namespace
}  // namespace cloister
