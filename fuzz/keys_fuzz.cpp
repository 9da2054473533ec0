// What a key server reads of others, and of its own keys: no input crashes it, and what is accepted
// is written and read unchanged. Headers that are accepted are wrapped anew for whom was asked.
#include <cstdlib>

#include "keyserver/key_store.h"
#include "serving/key_messages.h"

using namespace cloister;

namespace {

// Of age's documentation: the corpus has headers for it.
constexpr const char* kSecret =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

template <typename Parse, typename Write>
auto round_trip(std::string_view json, Parse parse, Write write) {
  auto parsed = parse(json);
  if (!parsed) return parsed;
  const std::string text = write(*parsed);
  const auto again = parse(text);
  if (!again || write(*again) != text) std::abort();
  return parsed;
}

const std::vector<age::Identity>& identities() {
  static const auto* const kMade = new std::vector<age::Identity>([] {
    std::vector<age::Identity> made;
    made.push_back(age::Identity::parse(kSecret).value());
    return made;
  }());
  return *kMade;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto request = round_trip(json, serving::parse_key_request, serving::write_key_request);
  if (request) {
    (void)attest::parse_reply(request->reply_json);
    for (const auto& [entry, header] : request->headers) {
      const auto wrapped = age::rewrap(header, identities(), identities()[0].recipient());
      if (wrapped && !age::rewrap(*wrapped, identities(), identities()[0].recipient())) {
        std::abort();
      }
    }
  }
  (void)round_trip(json, serving::parse_key_reply, serving::write_key_reply);
  (void)round_trip(json, serving::parse_key_record, serving::key_record_json);
  return 0;
}
