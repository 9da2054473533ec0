// What is said before any input is sent: no input crashes its parsers, what they accept is written
// and read unchanged, and nothing is trusted under policies that ask for more than the input shows.
#include <cstdlib>

#include "trust/draft_policy.h"
#include "trust/saved_exchange.h"

using namespace cloister::attest;

namespace {

template <typename Parse, typename Write>
void round_trip(std::string_view json, Parse parse, Write write) {
  const auto parsed = parse(json);
  if (!parsed) return;
  const std::string text = write(*parsed);
  const auto again = parse(text);
  if (!again || write(*again) != text) std::abort();
}

void judge_reply(std::string_view json) {
  const auto reply = parse_reply(json);
  if (!reply) return;
  // Whatever the reply is over, it is not over this.
  JudgeQuestion question;
  question.expected.bytes.fill(std::byte{0x5a});
  const AppraisalResult nothing = appraise(*reply, {}, question);
  if (nothing.trusted || refusal(nothing)) std::abort();
  const auto draft = draft_policy(*reply, nothing);
  if (draft && appraise(*reply, *draft, question).trusted) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  round_trip(json, parse_request, write_request);
  round_trip(json, parse_statement, write_statement);
  round_trip(json, parse_reply, write_reply);
  round_trip(json, parse_saved_exchange, write_saved_exchange);
  judge_reply(json);
  return 0;
}
