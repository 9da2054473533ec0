#include "tee/config.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/support/result.h"

namespace cloister::serving {
namespace {

TEST(Config, IsWrittenTheSameWayEachTime) {
  EXPECT_EQ(config_json({}), config_json({}));
  const auto json = nlohmann::json::parse(config_json({.workers = {"http://a:1", "http://b:2"}}));
  EXPECT_EQ(json["schema"], "cloister/config/1");
  EXPECT_EQ(json["workers"], nlohmann::json({"http://a:1", "http://b:2"}));
  EXPECT_EQ(json["metrics_listen"], nullptr);
  EXPECT_EQ(json["deadline_s"], 10.0);
}

// A host that could change a setting without changing the record would do so unseen.
TEST(Config, HasEverySetting) {
  const std::function<void(ServerConfig&)> changes[] = {
      [](ServerConfig& c) { c.listen = "a:1"; },
      [](ServerConfig& c) { c.metrics_listen = "a:1"; },
      [](ServerConfig& c) { c.names = {"a"}; },
      [](ServerConfig& c) { c.workers = {"a"}; },
      [](ServerConfig& c) { c.workers_file = "a"; },
      [](ServerConfig& c) { c.sandbox = "off"; },
      [](ServerConfig& c) { c.worker_ca_sha256 = "a"; },
      [](ServerConfig& c) { c.signers = {"a"}; },
      [](ServerConfig& c) { c.min_version = 1; },
      [](ServerConfig& c) { c.clients_sha256 = "a"; },
      [](ServerConfig& c) { c.client_ca_sha256 = "a"; },
      [](ServerConfig& c) { c.threads = 2; },
      [](ServerConfig& c) { c.io_threads = 2; },
      [](ServerConfig& c) { c.links = 3; },
      [](ServerConfig& c) { c.queue = 1; },
      [](ServerConfig& c) { c.batch_delay_us = 1; },
      [](ServerConfig& c) { c.max_connections = 1; },
      [](ServerConfig& c) { c.max_body_bytes = 1; },
      [](ServerConfig& c) { c.max_per_address = 1; },
      [](ServerConfig& c) { c.memory_bytes = 1; },
      [](ServerConfig& c) { c.evidence = "tpm"; },
      [](ServerConfig& c) { c.tpm = "a"; },
      [](ServerConfig& c) { c.evidence_per_s = 1; },
      [](ServerConfig& c) { c.key_server = "a"; },
      [](ServerConfig& c) { c.key_server_ca_sha256 = "a"; },
      [](ServerConfig& c) { c.own_certificate = false; },
      [](ServerConfig& c) { c.deadline_s = 1; },
      [](ServerConfig& c) { c.worker_timeout_s = 1; },
      [](ServerConfig& c) { c.quarantine_s = 1; },
      [](ServerConfig& c) { c.verify_rate = 0.5; },
      [](ServerConfig& c) { c.verify_tolerance = 0.5; },
      [](ServerConfig& c) { c.verify_stops = true; },
      [](ServerConfig& c) { c.drain_s = 1; },
  };
  std::set<std::string> seen = {config_json({})};
  for (const auto& change : changes) {
    ServerConfig config;
    change(config);
    EXPECT_TRUE(seen.insert(config_json(config)).second) << config_json(config);
  }
  EXPECT_EQ(nlohmann::json::parse(*seen.begin()).size(), std::size(changes) + 1)
      << "one is written that is not changed here";
}

}  // namespace
}  // namespace cloister::serving
