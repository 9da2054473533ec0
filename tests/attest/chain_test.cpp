#include "attest/chain.h"

#include <gmock/gmock.h>
#include <openssl/obj_mac.h>

#include "tests/attest/authority.h"

namespace cloister::attest::test {
namespace {

using testing::HasSubstr;

TEST(Chain, WeakKeysAndDigestsAreRefused) {
  const Key root = rsa_key(RsaName::kAmdRoot);
  const Key weak = rsa_key(RsaName::kTpm);  // 2048 bits
  const Key leaf = ec_key("leaf", NID_X9_62_prime256v1);
  const auto chain = [&](const Key& middle) {
    const auto make = [](const CertificateSpec& spec) {
      return std::move(*parse_certificate(make_certificate(spec)));
    };
    const auto r = make({.subject = "root",
                         .issuer = "root",
                         .key = root.get(),
                         .signer = root.get(),
                         .is_ca = true});
    const auto m = make({.subject = "middle",
                         .issuer = "root",
                         .key = middle.get(),
                         .signer = root.get(),
                         .is_ca = true});
    const auto l =
        make({.subject = "leaf", .issuer = "middle", .key = leaf.get(), .signer = middle.get()});
    return check_chain({l.get(), {m.get()}, r.get(), {}, test_time()});
  };
  EXPECT_TRUE(chain(rsa_key(RsaName::kAmdIntermediate)));
  const auto refused = chain(weak);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("too weak"));
}

}  // namespace
}  // namespace cloister::attest::test
