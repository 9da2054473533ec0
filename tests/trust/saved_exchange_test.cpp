#include "trust/saved_exchange.h"

#include <gmock/gmock.h>

#include "tests/attest/authority.h"
#include "tests/attest/snp_world.h"
#include "tests/support/result.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::value_of;

TEST(SavedExchange, ThereAndBack) {
  SavedExchange saved{.url = "https://host:1", .when = test_time(), .expected = filler<64>("data")};
  saved.reply.evidence = {EvidenceKind::kSnp, SnpWorld().make().evidence.report, {}};
  saved.reply.statement_json = "{}";
  saved.reply.manifest_json = "{\"a\": 1}";
  const std::string json = write_saved_exchange(saved);
  const SavedExchange read = value_of(parse_saved_exchange(json));
  EXPECT_EQ(write_saved_exchange(read), json);
  EXPECT_EQ(read.reply.evidence.report, saved.reply.evidence.report);
  EXPECT_EQ(read.when, saved.when);
  expect_error(parse_saved_exchange("{}"), Kind::kInvalid, "schema");
}

}  // namespace
}  // namespace cloister::attest::test
