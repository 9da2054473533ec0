#include "serve/evidence.h"

#include <algorithm>

#include "attest/simulated.h"
#include "serve/v2.h"

namespace cloister::serve {

struct EvidenceService::State {
  attest::ExchangeReply reply;               // but for the evidence itself
  std::map<std::string, std::string> files;  // of the bundle
};

Result<EvidenceService> EvidenceService::make(const bundle::Bundle& bundle,
                                              const std::string& config_sha256,
                                              const std::string& tool) {
  auto state = std::make_shared<State>();
  state->reply = {
      .evidence = {.kind = attest::EvidenceKind::kSimulated},
      .statement_json = attest::write_statement({.mode = "simulated",
                                                 .manifest_sha256 = bundle.manifest_sha256(),
                                                 .config_sha256 = config_sha256,
                                                 .tool = tool}),
      .manifest_json = bundle.manifest_json(),
      .manifest_signature = bundle.manifest_signature()};
  for (const char* name : attest::kPublicFiles) {
    auto text = bundle.read(name);
    if (!text && text.error().kind == Kind::kNotFound) continue;
    if (!text) return std::unexpected(text.error());
    state->files.emplace(name, std::move(*text));
  }
  return EvidenceService(std::move(state));
}

Result<attest::ExchangeReply> EvidenceService::reply_to(const net::Request& request) const {
  TRY(asked, attest::parse_request(as_text(request.body.bytes)));
  if (!asked.kinds.empty() && std::ranges::find(asked.kinds, mode()) == asked.kinds.end()) {
    return fail(Kind::kRefused, "this server has {} evidence only", mode());
  }
  TRY(exported, request.channel->exported_key(attest::kExporterLabel, asked.nonce.view()));
  TRY(key, request.channel->server_key_sha256());
  attest::ExchangeReply reply = state_->reply;
  for (const std::string& name : asked.files) {
    if (const auto file = state_->files.find(name); file != state_->files.end()) {
      reply.files.insert(*file);
    }
  }
  // What a TEE would sign. Anybody could write this: the measurement, too, is nothing.
  TRY(data,
      attest::report_data(attest::Role::kServer, key, asked.nonce, exported, reply.statement_json));
  reply.evidence.report = attest::simulated_report({}, data);
  return reply;
}

net::Response EvidenceService::answer(const net::Request& request) const {
  if (request.method != "POST") {
    net::Response response = error_response(
        {Kind::kUnsupported, fmt::format("method {} for '{}', want POST",
                                         printable(request.method, 20), attest::kExchangeTarget)});
    response.status = 405;
    response.fields.push_back({"Allow", "POST"});
    return response;
  }
  const auto reply = reply_to(request);
  if (!reply) return error_response(reply.error());
  return net::text_response(200, "application/json", attest::write_reply(*reply));
}

}  // namespace cloister::serve
