// An exchange kept in a file, to be judged later or by somebody else.
#pragma once

#include "attest/exchange.h"
#include "base/time.h"

namespace cloister::attest {

struct SavedExchange {
  std::string url;
  Time when{};
  // What the evidence must be over, as computed on the connection. Whoever has only the file takes
  // its saver's word for it.
  ReportData expected{};
  ExchangeReply reply;
};

// The record cloister/saved-exchange/1, and back: strict, kInvalid, kUnsupported for another
// version.
std::string write_saved_exchange(const SavedExchange& saved);
Result<SavedExchange> parse_saved_exchange(std::string_view json);

}  // namespace cloister::attest
