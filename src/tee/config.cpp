#include "tee/config.h"

#include "base/sha256.h"
#include "record/writer.h"

namespace cloister::serving {

template <typename Io>
void fields(Io& io, Of<Io, ServerConfig> r) {
  io.schema("schema", "cloister/config/1");
  io.text("listen", r.listen, kShort);
  io.text_or_null("metrics_listen", r.metrics_listen, kShort);
  io.texts("names", r.names, kShort, kShort);
  io.texts("workers", r.workers, kShort, kName);
  io.text_or_null("workers_file", r.workers_file, kName);
  io.text_or_null("worker_ca_sha256", r.worker_ca_sha256, kShort);
  io.texts("signers", r.signers, kShort, kShort);
  io.integer("min_version", r.min_version, 0, kMaxCount);
  io.text_or_null("clients_sha256", r.clients_sha256, kShort);
  io.text_or_null("client_ca_sha256", r.client_ca_sha256, kShort);
  io.flag("own_certificate", r.own_certificate);
  io.integer("threads", r.threads, 1, kMaxCount);
  io.integer("io_threads", r.io_threads, 1, kMaxCount);
  io.integer("links", r.links, 1, kMaxCount);
  io.integer("queue", r.queue, 1, kMaxCount);
  io.integer("batch_delay_us", r.batch_delay_us, 0, kMaxCount);
  io.integer("max_connections", r.max_connections, 1, kMaxCount);
  io.integer("max_per_address", r.max_per_address, 1, kMaxCount);
  io.integer("max_body_bytes", r.max_body_bytes, 1, kMaxCount);
  io.integer("memory_bytes", r.memory_bytes, 1, kMaxCount);
  io.text("evidence", r.evidence, kShort);
  io.text_or_null("tpm", r.tpm, kName);
  io.real("evidence_per_s", r.evidence_per_s, 0, kHuge);
  io.text_or_null("key_server", r.key_server, kName);
  io.text_or_null("key_server_ca_sha256", r.key_server_ca_sha256, kShort);
  io.real("deadline_s", r.deadline_s, 0, kHuge);
  io.real("worker_timeout_s", r.worker_timeout_s, 0, kHuge);
  io.real("quarantine_s", r.quarantine_s, 0, kHuge);
  io.real("verify_rate", r.verify_rate, 0, 1);
  io.real("verify_tolerance", r.verify_tolerance, 0, kHuge);
  io.flag("verify_stops", r.verify_stops);
  io.real("drain_s", r.drain_s, 0, kHuge);
  io.text("sandbox", r.sandbox, kShort);
}

std::string config_json(const ServerConfig& config) {
  return write_json_record(config);
}

std::string config_sha256(const ServerConfig& config) {
  return to_hex(sha256(as_bytes(config_json(config))));
}

}  // namespace cloister::serving
