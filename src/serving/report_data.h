// What evidence must be over, on this very connection: both ends of it compute the same.
#pragma once

#include "attest/exchange.h"
#include "net/http.h"

namespace cloister::serving {

// Errors of the channel: kUnsupported without TLS.
inline Result<attest::ReportData> report_data_on(const net::Channel& channel, attest::Role role,
                                                 const attest::Nonce& nonce,
                                                 std::string_view statement_json) {
  TRY(exported, channel.exported_key(attest::kExporterLabel, nonce.view()));
  TRY(server_key, channel.server_key_sha256());
  return attest::report_data(role, server_key, nonce, exported, statement_json);
}

}  // namespace cloister::serving
