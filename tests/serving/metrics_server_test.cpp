#include "serving/metrics_server.h"

#include "tests/support/net.h"

namespace cloister::serving {
namespace {

using test::value_of;
using testing::HasSubstr;

TEST(MetricsServer, ShowsMetricsAndNothingElse) {
  serving::Metrics metrics;
  metrics.request("ok");
  const auto server = value_of(MetricsServer::start("127.0.0.1:0", metrics));
  const net::Url url{.host = "127.0.0.1", .port = server->port()};
  const auto ask = [&](const std::string& method, const std::string& target) {
    const auto connection = value_of(net::Connection::open(url, {}, net::Seconds(20)));
    return value_of(
        connection->exchange({.method = method, .target = target}, {}, net::Seconds(20)));
  };
  const net::Response got = ask("GET", "/metrics");
  EXPECT_EQ(got.status, 200U);
  EXPECT_THAT(*got.fields.find("Content-Type"), testing::StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(test::text_of(got), HasSubstr("cloister_requests_total{outcome=\"ok\"} 1\n"));
  EXPECT_EQ(ask("GET", "/").status, 404U);
  EXPECT_EQ(ask("GET", "/v2").status, 404U);
  const net::Response post = ask("POST", "/metrics");
  EXPECT_EQ(post.status, 405U);
  EXPECT_EQ(*post.fields.find("Allow"), "GET, HEAD");
}

TEST(MetricsServer, SaysWhereItCantListen) {
  serving::Metrics metrics;
  test::expect_error(MetricsServer::start("nonsense", metrics), Kind::kUsage, "want HOST:PORT");
  const auto first = value_of(MetricsServer::start("127.0.0.1:0", metrics));
  const std::string taken = fmt::format("127.0.0.1:{}", first->port());
  test::expect_error(MetricsServer::start(taken, metrics), Kind::kIo, "metrics on " + taken);
}

}  // namespace
}  // namespace cloister::serving
