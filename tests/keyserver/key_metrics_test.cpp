#include "keyserver/key_metrics.h"

#include "tests/support/net.h"

namespace cloister::serving {
namespace {

TEST(KeyMetricsTest, AreWrittenAsPrometheusReadsThem) {
  KeyMetrics metrics;
  metrics.challenge("ok");
  metrics.challenge("ok");
  metrics.challenge("quota");
  metrics.request("release", "released");
  metrics.request("release", "refused");
  metrics.request("release", "released");
  metrics.request("", "refused");
  std::vector<StoredKey> keys;
  keys.push_back({"a", KeyRecord{.name = "a"}});
  keys.push_back({"b", KeyRecord{.name = "b"}});
  keys.push_back({"c", KeyRecord{.name = "c", .revoked = Revocation{.why = "old"}}});
  keys.push_back({"d", invalid("no JSON")});
  metrics.keys(keys);
  keys.erase(keys.begin());
  metrics.keys(keys);  // those before are gone
  const std::string text = metrics.text({.seq = 42, .sha256 = {}});
  for (const char* line : {
           "# HELP cloister_key_challenges_total Challenges, by outcome\n",
           "# TYPE cloister_key_challenges_total counter\n",
           "cloister_key_challenges_total{outcome=\"ok\"} 2\n",
           "cloister_key_challenges_total{outcome=\"quota\"} 1\n",
           "# TYPE cloister_key_requests_total counter\n",
           "cloister_key_requests_total{key=\"\",outcome=\"refused\"} 1\n",
           "cloister_key_requests_total{key=\"release\",outcome=\"refused\"} 1\n",
           "cloister_key_requests_total{key=\"release\",outcome=\"released\"} 2\n",
           "# TYPE cloister_keys gauge\n",
           "cloister_keys{state=\"usable\"} 1\n",
           "cloister_keys{state=\"revoked\"} 1\n",
           "cloister_keys{state=\"unreadable\"} 1\n",
           "cloister_release_log_seq 42\n",
       }) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace cloister::serving
