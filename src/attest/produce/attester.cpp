#include "attest/produce/attester.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "attest/produce/azure.h"
#include "attest/produce/endorsed.h"
#include "attest/produce/gramine.h"
#include "attest/produce/sev_guest.h"
#include "attest/produce/simulated.h"
#include "attest/produce/tpm.h"
#include "attest/produce/tsm.h"

namespace cloister::attest {
namespace {

using Made = Result<std::unique_ptr<Attester>>;

struct Row {
  Source source;
  std::string_view word;
  bool automatic;  // looked for where none is named
  Made (*make)(const AttesterOptions&);
};

// In the order in which they are looked for.
constexpr Row kRows[] = {
    {Source::kTsm, "tsm", true, [](const AttesterOptions& o) { return make_tsm(o.tsm); }},
    {Source::kGramine, "gramine", true,
     [](const AttesterOptions& o) { return make_gramine(o.gramine); }},
    {Source::kSevGuest, "sev-guest", true,
     [](const AttesterOptions& o) { return make_sev_guest(o.sev_guest); }},
    {Source::kAzure, "azure", false, [](const AttesterOptions& o) { return make_azure(o.tpm); }},
    {Source::kTpm, "tpm", false, [](const AttesterOptions& o) { return make_tpm(o.tpm); }},
    {Source::kSimulated, "simulated", false,
     [](const AttesterOptions&) -> Made { return simulated_attester(); }},
};
constexpr std::string_view kAutoWord = "auto";

Made find_named(const AttesterOptions& options) {
  const Row* const row = std::ranges::find(kRows, options.source, &Row::source);
  auto made = row->make(options);
  if (made) return made;
  Error error = made.error();
  if (error.kind == Kind::kNotFound) error.kind = Kind::kUnavailable;
  return with_context(std::move(error), std::string(row->word));
}

// What is there and does not work, or is not known, ends the search: evidence that proves nothing
// must not stand in for an environment that ought to protect.
Made find_automatically(const AttesterOptions& options) {
  std::vector<std::string> tried;
  for (const Row& row : kRows) {
    if (!row.automatic) continue;
    auto made = row.make(options);
    if (made) return made;
    if (made.error().kind != Kind::kNotFound) {
      return with_context(made.error(), std::string(row.word));
    }
    tried.push_back(fmt::format("{}: {}", row.word, made.error().message));
  }
  return simulated_attester(fmt::format("{}", fmt::join(tried, "; ")));
}

}  // namespace

std::string_view to_string(Source source) {
  const Row* const row = std::ranges::find(kRows, source, &Row::source);
  return row == std::end(kRows) ? kAutoWord : row->word;
}

Result<> from_string(std::string_view text, Source& out) {
  std::vector<std::string_view> known = {kAutoWord};
  if (text == kAutoWord) {
    out = Source::kAuto;
    return {};
  }
  for (const Row& row : kRows) {
    known.push_back(row.word);
    if (row.word != text) continue;
    out = row.source;
    return {};
  }
  return fail(Kind::kUsage, "source of evidence '{}', want {}", printable(text, 40),
              fmt::join(known, ", "));
}

Result<std::unique_ptr<Attester>> find_attester(const AttesterOptions& options) {
  TRY(producer,
      options.source == Source::kAuto ? find_automatically(options) : find_named(options));
  return with_endorsements(std::move(producer), options.endorsements);
}

}  // namespace cloister::attest
