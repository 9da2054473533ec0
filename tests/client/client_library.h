// What tests of <cloister/client.h> share: servers, and clients that trust them.
#pragma once

#include <cloister/client.h>

#include "tests/support/evidence_server.h"

namespace cloister::client {

inline std::string url_of(uint16_t port) {
  return fmt::format("https://127.0.0.1:{}", port);
}

inline std::unique_ptr<serving::TrustedServer> start(const test::Sealed& sealed,
                                                     const serving::WorkerServer* worker = nullptr,
                                                     uint16_t port = 0) {
  auto parts = sealed.parts(worker ? std::vector{worker->port()} : std::vector<uint16_t>());
  parts.config.listen = fmt::format("127.0.0.1:{}", port);
  auto server = test::value_of(serving::TrustedServer::start(sealed.open(), std::move(parts)));
  EXPECT_TRUE(test::wait_ready(*server, serving::Seconds(20)));
  return server;
}

inline TrustPolicy policy_of(const test::Sealed& sealed) {
  return TrustPolicy().add_signer(sealed.signer.public_key.file()).allow_simulated();
}

inline VerifiedServer connect(const test::Sealed& sealed, const serving::TrustedServer& server,
                              const Options& options = {}) {
  return VerifiedServer::connect(url_of(server.port()), policy_of(sealed), options).value();
}

template <typename T>
void expect_error(const Result<T>& result, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(result) << "accepted, want an error with: " << part;
  EXPECT_EQ(name_of(result.error().code), name_of(code)) << result.error().message;
  EXPECT_THAT(result.error().message, testing::HasSubstr(part));
}

}  // namespace cloister::client
