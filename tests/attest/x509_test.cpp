#include "attest/x509.h"

#include <gtest/gtest.h>
#include <openssl/obj_mac.h>

#include "attest/chain.h"
#include "tests/attest/authority.h"

namespace cloister::attest::test {
namespace {

std::vector<std::byte> certificate(const std::string& name) {
  const Key key = ec_key(name, NID_X9_62_prime256v1);
  return make_certificate({.subject = name, .issuer = name, .key = key.get(), .signer = key.get()});
}

TEST(X509, ChainsArePemAndNothingElse) {
  const std::string one = pem("CERTIFICATE", certificate("one"));
  const std::string two = pem("CERTIFICATE", certificate("two"));
  ASSERT_TRUE(parse_chain(one + two));
  EXPECT_EQ(common_name(parse_chain(" \n" + one + "\r\n" + two + "\n")->at(1).get()), "two");
  EXPECT_EQ(parse_chain(one + two + one + two + one)->size(), kMaxChain);
  for (const std::string& bad :
       {std::string(), std::string("\n"), one + "x", "x" + one, one + two.substr(0, two.size() - 2),
        one + two + one + two + one + two, pem("PRIVATE KEY", certificate("one")),
        pem("CERTIFICATE", as_bytes("nothing")), std::string("-----BEGIN CERTIFICATE-----"),
        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n" + one.substr(28)}) {
    EXPECT_FALSE(parse_chain(bad)) << bad;
  }
}

TEST(X509, OneCertificateIsOne) {
  const auto der = certificate("one");
  EXPECT_TRUE(parse_certificate(der));
  EXPECT_TRUE(parse_certificate(as_bytes(pem("CERTIFICATE", der))));
  EXPECT_FALSE(parse_certificate(as_bytes(pem("CERTIFICATE", der) + pem("CERTIFICATE", der))));
  EXPECT_FALSE(parse_certificate({}));
  EXPECT_FALSE(parse_crl(der));
}

}  // namespace
}  // namespace cloister::attest::test
