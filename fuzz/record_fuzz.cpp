// parse_record: no input crashes it, and what it accepts is written and read unchanged and can be
// judged.
#include <cstdlib>

#include "audit/record.h"

using namespace cloister::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto record = parse_record({reinterpret_cast<const char*>(data), size});
  if (!record) return 0;
  const std::string text = record_json(*record);
  const auto again = parse_record(text);
  if (!again || record_json(*again) != text) std::abort();
  Policy policy = record->policy;
  policy.resamples = 99;
  if (judge_record(*record, policy) && !parse_record(record_json(*record))) std::abort();
  return 0;
}
