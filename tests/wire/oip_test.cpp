// Random messages and damaged ones; the parts have tests of their own.
#include "wire/oip.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/convert.h"
#include "tests/support/oip.h"

namespace cloister::oip {
namespace {

constexpr uint32_t kSeed = 20240407;

class RandomMessages {
 public:
  uint64_t below(uint64_t bound) { return random_() % bound; }

  std::string text() {
    static const std::string kPieces[] = {"a", "\"", "\\", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                          "z"};
    std::string out;
    for (uint64_t i = below(8); i > 0; --i) out += kPieces[below(std::size(kPieces))];
    return out;
  }

  Parameters parameters() {
    Parameters out;
    for (uint64_t i = below(4); i > 0; --i) {
      const Parameter kinds[] = {below(2) == 0, static_cast<int64_t>(random_()),
                                 random_() | uint64_t{1} << 63,
                                 std::ldexp(static_cast<double>(below(1000)), 3), text()};
      out[text()] = kinds[below(5)];
    }
    return out;
  }

  std::vector<NamedTensor> tensors() {
    std::vector<NamedTensor> out;
    for (uint64_t i = below(4); i > 0; --i) {
      Shape shape;
      for (uint64_t rank = below(4); rank > 0; --rank)
        shape.push_back(static_cast<int64_t>(below(5)));
      out.push_back({fmt::format("{}{}", text(), i), tensor(shape)});
    }
    return out;
  }

 private:
  // Any bits that are a finite number.
  Tensor tensor(const Shape& shape) {
    const DType dtype = test::oip_types()[below(test::oip_types().size())];
    Tensor out = *Tensor::make(dtype, shape);
    const size_t size = dtype_bits(dtype) / 8;
    const MutableBytes bytes = out.mutable_data();
    for (size_t at = 0; at < bytes.size(); at += size) {
      do {
        for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::byte>(random_());
        if (dtype == DType::kBool) bytes[at] &= std::byte{1};
      } while (!std::isfinite(to_doubles({dtype, {1}, Bytes(bytes).subspan(at, size)})->front()));
    }
    return out;
  }

  std::mt19937_64 random_{kSeed};
};

TEST(Oip, RandomMessagesSurvive) {
  SCOPED_TRACE(kSeed);
  RandomMessages random;
  for (int i = 0; i < 3000; ++i) {
    InferRequest request{
        .id = random.text(), .parameters = random.parameters(), .inputs = random.tensors()};
    for (uint64_t n = random.below(3); n > 0; --n) {
      const std::optional<bool> kinds[] = {std::nullopt, true, false};
      request.outputs.push_back({fmt::format("{}{}", random.text(), n), kinds[random.below(3)]});
    }
    const Encoding encoding = random.below(2) == 0 ? Encoding::kJson : Encoding::kBinary;
    const auto message = write_infer_request(request, encoding);
    ASSERT_TRUE(message) << message.error().message;
    const auto again =
        parse_infer_request(test::shared_body(test::body_text(*message), random.below(3)),
                            test::header_length(*message));
    ASSERT_TRUE(again) << again.error().message << "\n" << message->json;
    EXPECT_EQ(again->id, request.id);
    EXPECT_EQ(again->parameters, request.parameters);
    EXPECT_EQ(again->binary_outputs, encoding == Encoding::kBinary);
    ASSERT_TRUE(test::same_tensors(again->inputs, request.inputs)) << message->json;
    ASSERT_EQ(again->outputs.size(), request.outputs.size());
    for (size_t n = 0; n < request.outputs.size(); ++n) {
      EXPECT_EQ(again->outputs[n].name, request.outputs[n].name);
      EXPECT_EQ(again->outputs[n].binary, request.outputs[n].binary);
    }

    InferResponse response{.model_name = "m" + random.text(),
                           .model_version = random.text(),
                           .id = random.text(),
                           .parameters = random.parameters(),
                           .outputs = random.tensors()};
    const auto reply = write_infer_response(response, *again);
    ASSERT_TRUE(reply) << reply.error().message;
    const auto read = parse_infer_response(
        test::shared_body(test::body_text(*reply), random.below(3)), test::header_length(*reply));
    ASSERT_TRUE(read) << read.error().message << "\n" << reply->json;
    EXPECT_EQ(read->model_name, response.model_name);
    EXPECT_EQ(read->model_version, response.model_version);
    EXPECT_EQ(read->id, response.id);
    EXPECT_EQ(read->parameters, response.parameters);
    ASSERT_TRUE(test::same_tensors(read->outputs, response.outputs)) << reply->json;
  }
}

// Whatever a peer sends, the answer is a value or an error.
TEST(Oip, DamagedMessagesAreRefusedOrRead) {
  SCOPED_TRACE(kSeed);
  RandomMessages random;
  for (int i = 0; i < 300; ++i) {
    const InferRequest request{
        .id = random.text(), .parameters = random.parameters(), .inputs = random.tensors()};
    const auto message =
        *write_infer_request(request, random.below(2) == 0 ? Encoding::kJson : Encoding::kBinary);
    const std::string sound = test::body_text(message);
    for (int flips = 0; flips < 30; ++flips) {
      std::string damaged = sound;
      for (uint64_t n = random.below(3) + 1; n > 0; --n) {
        damaged[random.below(damaged.size())] ^= static_cast<char>(1 << random.below(8));
      }
      if (random.below(4) == 0) damaged.resize(random.below(damaged.size() + 1));
      auto length = test::header_length(message);
      if (length && random.below(8) == 0) *length = random.below(sound.size() + 2);
      const SharedBytes body = test::shared_body(damaged);
      const auto as_request = parse_infer_request(body, length);
      EXPECT_TRUE(as_request || !as_request.error().message.empty());
      const auto as_response = parse_infer_response(body, length);
      EXPECT_TRUE(as_response || !as_response.error().message.empty());
      (void)parse_model_metadata(as_bytes(damaged));
      (void)parse_error(as_bytes(damaged));
    }
  }
}

}  // namespace
}  // namespace cloister::oip
