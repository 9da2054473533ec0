// Nothing that was changed is trusted: each byte of what is signed flipped in turn, every
// truncation, times outside, chains exchanged. Counts are printed; none may be accepted.
#include <gmock/gmock.h>

#include "attest/snp/report.h"
#include "tests/attest/vectors.h"

namespace cloister::attest::test {
namespace {

struct Count {
  size_t tried = 0;
  size_t accepted = 0;
};

void report(const std::string& what, const Count& count) {
  fmt::print("{:44} {:6} tried, {} accepted\n", what, count.tried, count.accepted);
  EXPECT_GT(count.tried, 0u) << what;
  EXPECT_EQ(count.accepted, 0u) << what;
}

// Flips a bit in each byte (or every `step`-th, times CLOISTER_MUTATION_STEP) of `bytes`, which are
// part of `c`.
void flip(const std::string& what, Case& c, std::vector<std::byte>& bytes, size_t begin, size_t end,
          size_t step = 1) {
  ASSERT_TRUE(c.verify().trusted) << what << "\n" << text_of(c.verify());
  Count count;
  for (size_t i = begin; i < std::min(end, bytes.size()); i += step * CLOISTER_MUTATION_STEP) {
    // Another bit each time, and all of them at every eighth.
    const std::byte bit{static_cast<uint8_t>(i % 9 == 8 ? 0xff : 1U << i % 8)};
    bytes[i] ^= bit;
    ++count.tried;
    if (c.verify().trusted) {
      ++count.accepted;
      fmt::print("  {}: byte {} does not matter\n", what, i);
    }
    bytes[i] ^= bit;
  }
  report(what, count);
}

void truncate(const std::string& what, Case& c, std::vector<std::byte>& bytes, size_t end,
              size_t step = 1) {
  Count count;
  const std::vector<std::byte> whole = bytes;
  for (size_t size = 0; size < std::min(end, whole.size()); size += step * CLOISTER_MUTATION_STEP) {
    bytes.assign(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    ++count.tried;
    if (c.verify().trusted) {
      ++count.accepted;
      fmt::print("  {}: {} bytes are enough\n", what, size);
    }
  }
  bytes = whole;
  report(what + ", cut short", count);
}

constexpr size_t kAll = SIZE_MAX;

TEST(Mutation, Snp) {
  for (const bool vlek : {false, true}) {
    Case c = SnpWorld(SnpProduct::kTurin, vlek).make();
    flip("SNP report", c, c.evidence.report, 0, kAll, vlek ? 5 : 1);
    truncate("SNP report", c, c.evidence.report, kAll);
    flip("VEK certificate", c, blob(c.endorsements.blobs, kVek), 0, kAll, 7);
    truncate("VEK certificate", c, blob(c.endorsements.blobs, kVek), kAll, 7);
    flip("ASK certificate", c, blob(c.endorsements.blobs, kIntermediate), 0, kAll, 7);
    flip("AMD CRL", c, blob(c.endorsements.blobs, kAmdCrl), 0, kAll, 3);
    truncate("AMD CRL", c, blob(c.endorsements.blobs, kAmdCrl), kAll, 7);
  }
}

TEST(Mutation, Dcap) {
  for (const bool tdx : {true, false}) {
    Case c = DcapWorld(tdx, tdx ? 5 : 3, tdx).make();
    const std::string name = tdx ? "TDX " : "SGX ";
    // The PEM chain has line ends that do not matter; what it holds is flipped below, as DER.
    const size_t chain = as_text(c.evidence.report).find("-----BEGIN");
    const size_t end_of_body = 48 + (tdx ? 6 + 648 : 384);
    flip(name + "quote", c, c.evidence.report, 0, end_of_body + 4);
    flip(name + "quote's signatures", c, c.evidence.report, end_of_body + 4, chain, 4);
    flip(name + "quote's leaf certificate", c, c.evidence.report, chain,
         as_text(c.evidence.report).find("-----END", chain) - 1, 11);
    truncate(name + "quote", c, c.evidence.report, kAll);
    for (const std::string_view blob_name : {kTcbInfo, kQeIdentity, kPckCrl, kRootCrl}) {
      auto& bytes = blob(c.endorsements.blobs, blob_name);
      const std::string what = name + std::string(blob_name);
      // Letters of the signature's digits are the same in either case: bit 5.
      const size_t end = as_text(bytes).find("\"signature\"");
      flip(what, c, bytes, 0, end, bytes.size() > 1000 ? 9 : 3);
      truncate(what, c, bytes, kAll, 11);
    }
  }
}

TEST(Mutation, Tpm) {
  for (const bool rsa : {false, true}) {
    Case c = TpmWorld(rsa).make();
    flip("TPM quote", c, c.evidence.report, 0, kAll);
    truncate("TPM quote", c, c.evidence.report, kAll);
    for (const std::string_view name : {kTpmSignature, kTpmPublic, kTpmPcrs}) {
      flip(std::string(name), c, blob(c.evidence.parts, name), 0, kAll);
      truncate(std::string(name), c, blob(c.evidence.parts, name), kAll);
    }
  }
}

TEST(Mutation, Azure) {
  for (const bool snp : {true, false}) {
    Case c = AzureWorld(snp).make();
    const std::string name = snp ? "Azure SNP " : "Azure TDX ";
    // The header's middle and, of TDX, the TDREPORT that no one relies on are not judged.
    if (snp) flip(name + "HCL report's hardware", c, c.evidence.report, 32, 1216, 5);
    flip(name + "HCL report's rest", c, c.evidence.report, 1216, kAll, 3);
    truncate(name + "HCL report", c, c.evidence.report,
             as_text(c.evidence.report).find("\"user-data\"") + 100, 7);
    for (const std::string_view part : {kTpmQuote, kTpmSignature, kTpmPcrs}) {
      flip(name + std::string(part), c, blob(c.evidence.parts, part), 0, kAll, 3);
    }
    if (!snp) flip(name + "quote", c, blob(c.evidence.parts, kTdQuote), 0, 632, 5);
  }
}

// Captured evidence likewise.
TEST(Mutation, RealEvidence) {
  CLOISTER_NEEDS_SHARED_DATA("snp");
  for (const char* name : {"snp/genoa-v3-microsoft", "snp/turin-v5-microsoft",
                           "snp/milan-v2-trustee", "snp/milan-v3-vlek-aws"}) {
    Case c = snp_case(name);
    flip(name, c, c.evidence.report, 0, kAll, 2);
    truncate(name, c, c.evidence.report, kAll, 16);
    flip(std::string(name) + " VEK", c, blob(c.endorsements.blobs, kVek), 0, kAll, 17);
  }
  for (const std::string name : {"tdx/v4-uptodate", "tdx/v5-uptodate"}) {
    Case c = dcap_case(name, name + "/collateral");
    const size_t chain = as_text(c.evidence.report).find("-----BEGIN");
    flip(name, c, c.evidence.report, 0, chain, 2);
    truncate(name, c, c.evidence.report, chain, 16);
    auto& tcb = blob(c.endorsements.blobs, kTcbInfo);
    flip(name + " TCB info", c, tcb, 0, as_text(tcb).find("\"signature\""), 19);
  }
  for (const char* name : {"tpm/coco-swtpm-rsa", "tpm/swtpm-generated-ecc"}) {
    Case c = tpm_case(name);
    flip(name, c, c.evidence.report, 0, kAll);
  }
  Case azure = azure_case("azure-hcl/snp-milan-fresh-userdata");
  flip("azure-hcl/snp", azure, azure.evidence.report, 32, kAll, 7);
}

TEST(Mutation, TimesOutside) {
  Count count;
  Case cases[] = {SnpWorld().make(),       SnpWorld(SnpProduct::kTurin, true).make(),
                  DcapWorld(true).make(),  DcapWorld(false, 3).make(),
                  AzureWorld(true).make(), AzureWorld(false).make()};
  for (Case& c : cases) {
    ASSERT_TRUE(c.verify().trusted) << text_of(c.verify());
    for (const char* time :
         {"1970-01-01T00:00:00Z", "2019-12-31T23:59:59Z", "2025-12-31T23:59:59Z",
          "2027-01-01T00:00:00Z", "2040-01-01T00:00:01Z", "9999-12-31T23:59:59Z"}) {
      c.now = time_of(time);
      ++count.tried;
      count.accepted += c.verify().trusted ? 1 : 0;
    }
  }
  report("times outside", count);
}

TEST(Mutation, ChainsExchanged) {
  Count count;
  const SnpProduct products[] = {SnpProduct::kMilan, SnpProduct::kGenoa, SnpProduct::kTurin};
  Roots all;
  for (const SnpProduct product : products) {
    all.amd.push_back(SnpWorld(product).make().roots.amd[0]);
  }
  for (const SnpProduct product : products) {
    for (const SnpProduct other : products) {
      for (const bool vlek : {false, true}) {
        for (const bool other_vlek : {false, true}) {
          if (product == other && vlek == other_vlek) continue;
          const Case from = SnpWorld(other, other_vlek).make();
          const Case good = SnpWorld(product, vlek).make();
          // 1: the VEK of the other; 2: its intermediate; 3: both, and its list.
          for (int which = 1; which < 4; ++which) {
            Case c = good;
            c.roots = all;
            c.policy.snp->accept_vlek = true;
            c.policy.snp->csp_ids = {"CN=test-cloud"};
            c.policy.snp->min_tcb = {SnpMinimum{{}, 0, 0, 0, 0}, SnpMinimum{{}, 0, 0, 0, 0},
                                     SnpMinimum{0, 0, 0, 0, 0}};
            if ((which & 1) != 0) c.endorsements.blobs[0] = from.endorsements.blobs[0];
            if ((which & 2) != 0) c.endorsements.blobs[1] = from.endorsements.blobs[1];
            if (which == 3) c.endorsements.blobs[2] = from.endorsements.blobs[2];
            ++count.tried;
            count.accepted += c.verify().trusted ? 1 : 0;
          }
        }
      }
    }
  }
  report("AMD chains exchanged", count);
}

TEST(Mutation, KindsExchanged) {
  Count count;
  const Case cases[] = {SnpWorld().make(), DcapWorld(true).make(),  DcapWorld(false, 3).make(),
                        TpmWorld().make(), AzureWorld(true).make(), AzureWorld(false).make()};
  Policy all;
  for (const Case& c : cases) {
    if (c.policy.snp) all.snp = c.policy.snp;
    if (c.policy.tdx) all.tdx = c.policy.tdx;
    if (c.policy.sgx) all.sgx = c.policy.sgx;
    if (c.policy.tpm) all.tpm = c.policy.tpm;
    if (c.policy.azure_snp) all.azure_snp = c.policy.azure_snp;
    if (c.policy.azure_tdx) all.azure_tdx = c.policy.azure_tdx;
  }
  all.accept_simulated = true;
  for (const Case& from : cases) {
    for (uint8_t kind = 0; kind < 12; ++kind) {
      Case c = from;
      c.policy = all;
      c.evidence.kind = static_cast<EvidenceKind>(kind);
      if (c.evidence.kind == from.evidence.kind) continue;
      ++count.tried;
      count.accepted += c.verify().trusted ? 1 : 0;
    }
  }
  report("kinds exchanged", count);
}

}  // namespace
}  // namespace cloister::attest::test
