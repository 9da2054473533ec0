// The evidence of ../shared/evidence: captured from real machines, with what is expected of it.
#pragma once

#include <nlohmann/json.hpp>

#include "record/json.h"
#include "tests/attest/tpm_world.h"
#include "tests/support/shared_data.h"

namespace cloister::attest::test {

std::vector<std::byte> hex_bytes(std::string_view digits);
template <size_t N>
Fixed<N> fixed(std::string_view digits) {
  Fixed<N> out;
  EXPECT_TRUE(parse_hex(digits, out.bytes)) << digits;
  return out;
}

std::vector<std::byte> vector_bytes(const std::string& name);
Json vector_json(const std::string& name);

// Questions whose policy accepts just what the vector holds, as far as a policy can.
Case snp_case(const std::string& name);
Case dcap_case(const std::string& name, const std::string& collateral);
Case tpm_case(const std::string& name);
Case azure_case(const std::string& name);

}  // namespace cloister::attest::test
