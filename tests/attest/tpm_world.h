// TPMs of our own, bare and under Azure's paravisor.
#pragma once

#include "tests/attest/dcap_world.h"
#include "tests/attest/snp_world.h"

namespace cloister::attest::test {

// TPM2B_PUBLIC of a signing key, RSA 2048 or P-256.
inline constexpr uint32_t kAkAttributes = 0x00050072;
std::vector<std::byte> tpm_public_of(EVP_PKEY* key, uint32_t attributes = kAkAttributes);
// Of a public key in PEM.
std::vector<std::byte> tpm_public_of(std::string_view public_pem);

struct TpmWorld {
  explicit TpmWorld(bool with_rsa = false);

  bool is_rsa;
  uint32_t magic = 0xff544347;
  uint16_t type = 0x8018;
  Fixed<32> extra_data = filler<32>("binder");
  std::vector<uint32_t> selected = {0, 4, 7, 11};
  std::vector<Fixed<32>> values;  // of those
  uint16_t bank = 0x000b;
  std::vector<std::byte> pcr_digest;  // empty: that of the values
  std::vector<std::byte> trailing;
  uint32_t attributes = kAkAttributes;
  Key key;

  std::vector<std::byte> make_quote() const;
  // TPMT_SIGNATURE; `bare` is Azure's form.
  std::vector<std::byte> sign(Bytes quote, bool bare = false) const;
  std::vector<std::byte> pcrs() const;
  std::vector<PcrValues> policy() const;
  Case make() const;
};

// Either of the two is used.
struct AzureWorld {
  explicit AzureWorld(bool is_snp);

  bool snp;
  SnpWorld amd;
  DcapWorld intel;
  TpmWorld tpm{true};
  std::string
      runtime_data;  // JSON; the hardware report is made over it, unless it is bound already
  bool bind = true;

  std::vector<std::byte> make_hcl(Bytes hardware_report) const;
  Case make();
};

}  // namespace cloister::attest::test
