// What a hostile worker may answer, and how it is counted.
#pragma once

#include "tests/support/hostile_worker.h"

namespace cloister::test {

struct HostileAnswer {
  const char* name;
  HostileWorker::Script script;
  const char* reason;  // that is counted
};

inline bool stall(RawSocket& socket, const Asked&) {
  HostileWorker::wait_for_close(socket);
  return false;
}

// The connection is of no use after these.
inline HostileWorker::Script last_words(std::function<std::string(const Asked&)> text) {
  return [text](RawSocket& socket, const Asked& asked) {
    socket.send(text(asked));
    return false;
  };
}

inline HostileWorker::Script says(std::function<std::string(const Asked&)> text) {
  return [text](RawSocket& socket, const Asked& asked) { return socket.send(text(asked)); };
}

inline HostileWorker::Script changes(std::function<void(oip::InferResponse&)> change) {
  return says([change](const Asked& asked) { return asked.changed(change); });
}

inline HostileWorker::Script status(unsigned number) {
  return says([number](const Asked&) { return http_text(number, R"({"error":"it's me"})"); });
}

inline HostileWorker::Script with_json(const std::string& json) {
  return says([json](const Asked&) { return http_text(200, json); });
}

// The honest answer with some of its text replaced by as much other text.
inline HostileWorker::Script edits(const std::string& from, const std::string& to) {
  return says([from, to](const Asked& asked) {
    std::string bytes = asked.honest_bytes();
    const size_t at = bytes.find(from);
    if (at == std::string::npos || from.size() != to.size()) return std::string("wrong test");
    return bytes.replace(at, from.size(), to);
  });
}

inline Tensor zeros(DType dtype, Shape shape) {
  Tensor tensor = value_of(Tensor::make(dtype, std::move(shape)));
  std::ranges::fill(tensor.mutable_data(), std::byte{0});
  return tensor;
}

inline HostileWorker::Script gives(DType dtype, const Shape& shape) {
  return changes([=](oip::InferResponse& r) { r.outputs[0].tensor = zeros(dtype, shape); });
}

// What the worker says to the question of two rows, whose honest answer is "y" f32[2,3].
inline std::vector<HostileAnswer> hostile_answers() {
  return {
      {"200 without a body", with_json(""), "invalid_reply"},
      {"200 with an error", with_json(R"({"error":"no"})"), "invalid_reply"},
      {"not JSON", with_json("<html>"), "invalid_reply"},
      {"deep JSON", with_json(std::string(10'000, '[')), "invalid_reply"},
      {"204", says([](const Asked&) { return "HTTP/1.1 204 No\r\n\r\n"; }), "invalid_reply"},
      {"302",
       says([](const Asked&) { return http_text(302, "", "Location: http://127.0.0.1:1/\r\n"); }),
       "invalid_reply"},
      {"400", status(400), "failed"},
      {"404", status(404), "failed"},
      {"500", status(500), "failed"},
      {"500 with garbage", says([](const Asked&) { return http_text(500, "\xff\x01\x1b[2J"); }),
       "failed"},
      {"429", status(429), "busy"},
      {"503", status(503), "busy"},
      {"101", says([](const Asked&) { return "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n"; }),
       "invalid_reply"},
      {"status 99", says([](const Asked&) { return "HTTP/1.1 99 X\r\n\r\n"; }), "invalid_reply"},
      {"not HTTP", says([](const Asked&) { return "SSH-2.0-x\r\n\r\n"; }), "invalid_reply"},
      {"endless header",
       says([](const Asked&) { return "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'); }),
       "invalid_reply"},
      {"two lengths", says([](const Asked&) {
         return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab";
       }),
       "invalid_reply"},
      {"giant length",
       says([](const Asked&) { return "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"; }),
       "invalid_reply"},
      {"no id", changes([](oip::InferResponse& r) { r.id = ""; }), "invalid_reply"},
      {"another id", changes([](oip::InferResponse& r) { r.id = "0000000000000000"; }),
       "invalid_reply"},
      {"no outputs", changes([](oip::InferResponse& r) { r.outputs.clear(); }), "invalid_reply"},
      {"another output", changes([](oip::InferResponse& r) { r.outputs[0].name = "h1"; }),
       "invalid_reply"},
      {"one more output", changes([](oip::InferResponse& r) {
         r.outputs.push_back({"z", zeros(DType::kF32, {1})});
       }),
       "invalid_reply"},
      {"an output twice", says([](const Asked& asked) {
         const std::string output =
             R"({"name":"y","datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5,6]})";
         return http_text(200, fmt::format(R"({{"model_name":"m","id":"{}","outputs":[{},{}]}})",
                                           asked.request.id, output, output));
       }),
       "invalid_reply"},
      {"another type", gives(DType::kI32, {2, 3}), "invalid_reply"},
      {"a wider type", gives(DType::kF64, {2, 3}), "invalid_reply"},
      {"too many items", gives(DType::kF32, {3, 3}), "invalid_reply"},
      {"too few items", gives(DType::kF32, {1, 3}), "invalid_reply"},
      {"another width", gives(DType::kF32, {2, 4}), "invalid_reply"},
      {"another rank", gives(DType::kF32, {6}), "invalid_reply"},
      {"the same size turned", gives(DType::kF32, {3, 2}), "invalid_reply"},
      {"nothing", gives(DType::kF32, {0, 3}), "invalid_reply"},
      {"negative dimension", edits("[2,3]", "[-23]"), "invalid_reply"},
      {"another size in the JSON", edits(R"(data_size":24)", R"(data_size":20)"), "invalid_reply"},
      {"negative size in the JSON", edits(R"(data_size":24)", R"(data_size":-4)"), "invalid_reply"},
      {"binary cut short", says([](const Asked& asked) {
         std::string bytes = asked.honest_bytes();
         const size_t body = bytes.find("\r\n\r\n") + 4;
         const std::string length = fmt::format("Content-Length: {}", bytes.size() - body);
         const std::string shorter = fmt::format("Content-Length: {}", bytes.size() - body - 4);
         bytes.replace(bytes.find(length), length.size(), shorter);
         return bytes.substr(0, bytes.size() - 4);
       }),
       "invalid_reply"},
      {"JSON that ends elsewhere", edits("Header-Content-Length: 1", "Header-Content-Length: 9"),
       "invalid_reply"},
      {"closed in the body", last_words([](const Asked& asked) {
         const std::string bytes = asked.honest_bytes();
         return bytes.substr(0, bytes.size() - 5);
       }),
       "lost"},
      {"closed in the head",
       last_words([](const Asked& asked) { return asked.honest_bytes().substr(0, 20); }), "lost"},
      {"closed at once", last_words([](const Asked&) { return ""; }), "lost"},
      {"never answers", stall, "stalled"},
      {"begins and stops",
       [](RawSocket& socket, const Asked& asked) {
         socket.send(asked.honest_bytes().substr(0, 30));
         return stall(socket, asked);
       },
       "stalled"},
      {"a byte at a time",
       [](RawSocket& socket, const Asked& asked) {
         for (const char byte : asked.honest_bytes()) {
           if (!socket.send({&byte, 1})) return false;
           std::this_thread::sleep_for(std::chrono::milliseconds(5));
         }
         return true;
       },
       "stalled"},
      {"only interim answers",
       [](RawSocket& socket, const Asked& asked) {
         for (int i = 0; i < 100; ++i) socket.send("HTTP/1.1 100 Continue\r\n\r\n");
         return stall(socket, asked);
       },
       "invalid_reply"},
  };
}

}  // namespace cloister::test
