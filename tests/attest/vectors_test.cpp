// Real evidence, and what the verifier makes of it at the time it was made for.
#include "tests/attest/vectors.h"

#include <gmock/gmock.h>

namespace cloister::attest::test {
namespace {

using testing::HasSubstr;

#define NEEDS_EVIDENCE CLOISTER_NEEDS_SHARED_DATA("snp")

// Prints the row of the matrix.
Verdict judge(const std::string& name, const Case& c) {
  Verdict verdict = c.verify();
  fmt::print("{:38} {:12} {}\n", name, verdict.trusted ? "trusted" : "refused", failed(verdict));
  return verdict;
}

void expect_trusted(const std::string& name, const Case& c) {
  const Verdict verdict = judge(name, c);
  EXPECT_TRUE(verdict.trusted) << name << "\n" << text_of(verdict);
}

void expect_refused(const std::string& name, const Case& c, const std::string& checks) {
  const Verdict verdict = judge(name, c);
  EXPECT_FALSE(verdict.trusted) << name;
  EXPECT_EQ(failed(verdict), checks) << name << "\n" << text_of(verdict);
}

SnpTcb tcb_of(const Json& json) {
  const auto at = [&](const char* key) { return static_cast<uint8_t>(json.value(key, 0)); };
  return {at("fmc"), at("bootloader"), at("tee"), at("snp"), at("microcode")};
}

class SnpVectors : public testing::TestWithParam<const char*> {};

TEST_P(SnpVectors, AreTrustedUnderAPolicyOfTheirOwn) {
  NEEDS_EVIDENCE;
  const std::string name = GetParam();
  const Json want = vector_json(name + "/expected.json");
  const Case c = snp_case(name);
  const Verdict verdict = judge(name, c);
  ASSERT_TRUE(verdict.claims.snp) << text_of(verdict);
  const SnpClaims& claims = *verdict.claims.snp;
  if (want["debug_allowed"]) {
    EXPECT_EQ(failed(verdict), "snp.debug") << text_of(verdict);
  } else {
    EXPECT_TRUE(verdict.trusted) << text_of(verdict);
  }
  EXPECT_EQ(claims.debug, want["debug_allowed"].get<bool>());
  EXPECT_EQ(claims.version, want["report_version"].get<uint32_t>());
  EXPECT_EQ(claims.guest_svn, want["guest_svn"].get<uint32_t>());
  EXPECT_EQ(claims.vmpl, want["vmpl"].get<uint32_t>());
  EXPECT_EQ(claims.signed_by_vlek, want["signer"] == "VLEK");
  EXPECT_EQ(to_string(*claims.product), want["generation"].get<std::string>());
  EXPECT_EQ(fmt::format("{:#x}", claims.guest_policy), want["policy"].get<std::string>());
  EXPECT_EQ(fmt::format("{:#x}", claims.platform_info), want["platform_info"].get<std::string>());
  EXPECT_EQ(to_string(claims.measurement), want["measurement"].get<std::string>());
  EXPECT_EQ(to_string(claims.host_data), want["host_data"].get<std::string>());
  EXPECT_EQ(to_string(claims.id_key_digest), want["id_key_digest"].get<std::string>());
  EXPECT_EQ(to_string(claims.author_key_digest), want["author_key_digest"].get<std::string>());
  EXPECT_EQ(to_string(claims.report_id), want["report_id"].get<std::string>());
  EXPECT_EQ(to_string(claims.chip_id), want["chip_id"].get<std::string>());
  EXPECT_EQ(to_string(*verdict.claims.report_data), want["report_data"].get<std::string>());
  EXPECT_EQ(claims.reported_tcb, tcb_of(want["reported_tcb"]));
  EXPECT_EQ(claims.current_tcb, tcb_of(want["current_tcb"]));
  EXPECT_EQ(claims.committed_tcb, tcb_of(want["committed_tcb"]));
  EXPECT_EQ(claims.launch_tcb, tcb_of(want["launch_tcb"]));
  EXPECT_EQ(claims.launch_mitigations, want.value("launch_mit_vector", uint64_t{0}));
}

INSTANTIATE_TEST_SUITE_P(All, SnpVectors,
                         testing::Values("snp/genoa-v3-microsoft", "snp/milan-v2-google",
                                         "snp/milan-v2-trustee", "snp/milan-v2-virtee",
                                         "snp/milan-v3-vlek-aws", "snp/turin-v5-microsoft"));

TEST(SnpVectorsRefused, ByPolicyForTheRightReason) {
  NEEDS_EVIDENCE;
  const auto with = [](const char* name, const auto& change) {
    Case c = snp_case(name);
    change(c);
    return c;
  };
  const char* const vlek = "snp/milan-v3-vlek-aws";
  const char* const genoa = "snp/genoa-v3-microsoft";
  expect_refused("vlek, strict defaults",
                 with(vlek,
                      [](Case& c) {
                        c.policy.snp->vmpl = 0;
                        c.policy.snp->accept_vlek = false;
                        c.policy.snp->accept_without_crl = false;
                      }),
                 "snp.revocation, snp.signer, snp.vmpl");
  expect_refused("vlek, expired today",
                 with(vlek, [](Case& c) { c.now = time_of("2026-06-01T00:00:00Z"); }), "snp.chain");
  expect_refused("genoa, before it was made",
                 with(genoa, [](Case& c) { c.now = time_of("2026-02-01T00:00:00Z"); }),
                 "snp.chain");
  expect_refused(
      "genoa, not its product's minimum",
      with(genoa,
           [](Case& c) { std::swap(c.policy.snp->min_tcb.genoa, c.policy.snp->min_tcb.milan); }),
      "snp.min_tcb");
  expect_refused("genoa, newer microcode wanted",
                 with(genoa, [](Case& c) { c.policy.snp->min_tcb.genoa->microcode = 85; }),
                 "snp.min_tcb");
  expect_refused(
      "milan, version 2",
      with("snp/milan-v2-trustee", [](Case& c) { c.policy.snp->accept_version_2 = false; }),
      "snp.version");
  expect_refused("genoa with Milan's ASK",
                 with(genoa,
                      [](Case& c) {
                        blob(c.endorsements.blobs, kIntermediate) =
                            vector_bytes("snp/roots/milan/ask.pem");
                      }),
                 "snp.chain");
  expect_refused("genoa with its ASVK",
                 with(genoa,
                      [](Case& c) {
                        blob(c.endorsements.blobs, kIntermediate) =
                            vector_bytes("snp/roots/genoa/asvk.pem");
                      }),
                 "snp.chain");
  expect_refused("turin, another chip's VCEK",
                 with("snp/turin-v5-microsoft",
                      [](Case& c) {
                        blob(c.endorsements.blobs, kVek) =
                            vector_bytes("snp/turin-vcek-only-virtee/vcek.der");
                      }),
                 "snp.signature, snp.certified_tcb, snp.chip");
}

TEST(DcapVectors, Matrix) {
  NEEDS_EVIDENCE;
  const std::string v5 = "tdx/v5-uptodate/collateral";
  expect_trusted("tdx/v4-uptodate", dcap_case("tdx/v4-uptodate", "tdx/v4-uptodate/collateral"));
  expect_trusted("tdx/v5-uptodate", dcap_case("tdx/v5-uptodate", v5));
  expect_refused("tdx/v5-tcb-level-unmatched", dcap_case("tdx/v5-tcb-level-unmatched", v5),
                 "dcap.tcb_status");
  const std::string no_lists = "dcap.revocation, dcap.tcb_info, dcap.qe_identity";
  expect_refused("tdx/v4-outofdate (no CRLs)",
                 dcap_case("tdx/v4-outofdate", "tdx/v4-outofdate/collateral"),
                 no_lists + ", dcap.tcb_status");
  expect_refused("tdx/v4-debug (no collateral)", dcap_case("tdx/v4-debug", ""),
                 no_lists + ", tdx.debug");
  expect_refused("tdx/v4-azure (no collateral)", dcap_case("tdx/v4-azure", ""),
                 no_lists + ", tdx.attributes");
  expect_refused("sgx/v3-debug-occlum (no collateral)", dcap_case("sgx/v3-debug-occlum", ""),
                 no_lists + ", sgx.debug");
  expect_refused("sgx/v3-config-needed",
                 dcap_case("sgx/v3-config-needed", "sgx/v3-config-needed/collateral"),
                 "dcap.tcb_status");
  Case sgx = dcap_case("sgx/v3-config-needed", "sgx/v3-config-needed/collateral");
  sgx.policy.sgx->platform.tcb = {
      {TcbStatus::kConfigurationAndSwHardeningNeeded, {"INTEL-SA-00289", "INTEL-SA-00615"}}};
  expect_trusted("sgx/v3-config-needed, status accepted", sgx);
  sgx.policy.sgx->platform.tcb[0].advisories = {"INTEL-SA-00289"};
  expect_refused("sgx/v3-config-needed, one advisory not", sgx, "dcap.tcb_status");
}

TEST(DcapVectors, SayWhatIsExpected) {
  NEEDS_EVIDENCE;
  const std::pair<const char*, const char*> names[] = {
      {"tdx/v4-uptodate", "tdx/v4-uptodate/collateral"},
      {"tdx/v5-uptodate", "tdx/v5-uptodate/collateral"},
      {"tdx/v5-tcb-level-unmatched", "tdx/v5-uptodate/collateral"},
      {"tdx/v4-outofdate", "tdx/v4-outofdate/collateral"},
      {"sgx/v3-config-needed", "sgx/v3-config-needed/collateral"},
      {"sgx/v3-debug-occlum", ""},
      {"tdx/v4-azure", ""},
      {"tdx/v4-debug", ""}};
  for (const auto& [name, collateral] : names) {
    SCOPED_TRACE(name);
    const Json want = vector_json(std::string(name) + "/expected.json");
    const Verdict verdict = dcap_case(name, collateral).verify();
    ASSERT_TRUE(verdict.claims.dcap) << text_of(verdict);
    const DcapClaims& claims = *verdict.claims.dcap;
    for (const char* id : {"dcap.quote", "dcap.pck_chain", "dcap.pck_extension",
                           "dcap.qe_signature", "dcap.qe_binding", "dcap.quote_signature"}) {
      EXPECT_EQ(find_check(verdict, id).outcome, Outcome::kPass) << text_of(verdict);
    }
    const Json& pck = want["pck"];
    EXPECT_EQ(to_string(claims.fmspc), pck["fmspc"].get<std::string>());
    EXPECT_EQ(to_string(claims.ppid), pck["ppid"].get<std::string>());
    EXPECT_EQ(claims.pce_svn, pck["pcesvn"].get<int>());
    EXPECT_EQ(fmt::format("{:02x}", claims.sgx_type), pck["sgx_type"].get<std::string>());
    EXPECT_EQ(Json(claims.cpu_svns), pck["sgx_tcb_components"]);
    EXPECT_EQ(to_string(*verdict.claims.report_data), want["report"]["rd"].get<std::string>());
    const bool debug = verdict.claims.tdx ? verdict.claims.tdx->debug : verdict.claims.sgx->debug;
    EXPECT_EQ(debug, want["expect_debug"].get<bool>());
    if (want.contains("expect_tcb_status") && std::string_view(collateral) != "") {
      const std::string status = want["expect_tcb_status"];
      EXPECT_EQ(to_string(*claims.tcb_status), status.substr(0, status.find(' ')));
      EXPECT_EQ(to_string(claims.qe_status.value()),
                want.value("expect_qe_status", std::string("UpToDate")));
      if (want.contains("expect_advisories")) {
        EXPECT_EQ(Json(claims.advisories), want["expect_advisories"]);
      }
      if (want.contains("expect_module_status")) {
        EXPECT_EQ(to_string(claims.module_status.value()),
                  want["expect_module_status"].get<std::string>());
      }
    }
    if (verdict.claims.tdx) {
      EXPECT_EQ(to_string(verdict.claims.tdx->mrtd), want["report"]["mrtd"].get<std::string>());
      EXPECT_EQ(to_string(verdict.claims.tdx->rtmr[2]), want["report"]["rtmr2"].get<std::string>());
      EXPECT_EQ(to_string(verdict.claims.tdx->mr_seam),
                want["report"]["mrseam"].get<std::string>());
    } else {
      EXPECT_EQ(to_string(verdict.claims.sgx->mr_signer),
                want["report"]["mrsigner"].get<std::string>());
    }
  }
}

TEST(DcapVectors, AreInForceInTheirWindowOnly) {
  NEEDS_EVIDENCE;
  for (const std::string name : {"tdx/v4-uptodate", "tdx/v5-uptodate"}) {
    const Json want = vector_json(name + "/expected.json");
    Case c = dcap_case(name, name + "/collateral");
    for (const int end : {0, 1}) {
      const Time limit = time_of(want["verify_window"][end].get<std::string>());
      // OpenSSL ends a revocation list at the second that it names.
      c.now = limit - std::chrono::seconds(end);
      expect_trusted(fmt::format("{} at the {} of its window", name, end == 0 ? "begin" : "end"),
                     c);
      c.now = limit + std::chrono::seconds(end == 0 ? -1 : 1);
      EXPECT_FALSE(
          judge(fmt::format("{} a second {}", name, end == 0 ? "before" : "after"), c).trusted);
    }
  }
}

TEST(DcapVectors, AnotherPlatformsCollateral) {
  NEEDS_EVIDENCE;
  Case c = dcap_case("tdx/v4-uptodate", "tdx/v4-uptodate/collateral");
  Case other = dcap_case("tdx/v5-uptodate", "tdx/v5-uptodate/collateral");
  blob(c.endorsements.blobs, kTcbInfo) = blob(other.endorsements.blobs, kTcbInfo);
  expect_refused("tdx/v4-uptodate, v5's TCB info", c, "dcap.tcb_info_date, dcap.platform");
}

TEST(TpmVectors, Matrix) {
  NEEDS_EVIDENCE;
  for (const char* name :
       {"tpm/coco-swtpm-rsa", "tpm/swtpm-generated-ecc", "tpm/swtpm-generated-rsa"}) {
    expect_trusted(name, tpm_case(name));
    Case nothing = tpm_case(name);
    nothing.policy = {};
    nothing.policy.snp.emplace();
    expect_refused(std::string(name) + ", no tpm policy", nothing,
                   "policy.kind, tpm.key, tpm.pcrs");
  }
  for (const char* name : {"tpm/swtpm-generated-ecc", "tpm/swtpm-generated-rsa"}) {
    const Case c = tpm_case(name);
    EXPECT_EQ(c.policy.tpm->ak_names[0].bytes.size(),
              vector_bytes(std::string(name) + "/ak.name").size());
    EXPECT_TRUE(
        same_bytes(c.policy.tpm->ak_names[0].view(), vector_bytes(std::string(name) + "/ak.name")));
  }
}

TEST(AzureVectors, Matrix) {
  NEEDS_EVIDENCE;
  expect_trusted("azure-hcl/snp-milan-fresh-userdata",
                 azure_case("azure-hcl/snp-milan-fresh-userdata"));
  // No collateral, and a challenge of nine bytes.
  const Case tdx = azure_case("azure-hcl/tdx");
  expect_refused("azure-hcl/tdx (no collateral)", tdx,
                 "dcap.revocation, dcap.tcb_info, dcap.qe_identity, tpm.nonce");
  Case stale = azure_case("azure-hcl/snp-milan-fresh-userdata");
  stale.expected.qualifying_data.assign(32, std::byte{1});
  expect_refused("azure-hcl/snp, another binder", stale, "azure.user_data, tpm.nonce");
}

TEST(VendorRoots, AreThoseOfTheVendors) {
  const auto digest_of = [](const std::string& certificate) {
    const auto blocks = parse_pem(certificate, "CERTIFICATE", 1);
    return blocks ? to_hex(sha256(blocks->at(0))) : blocks.error().message;
  };
  const Roots& roots = vendor_roots();
  ASSERT_EQ(roots.amd.size(), 3u);
  EXPECT_EQ(digest_of(roots.amd[0].certificate),
            "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd");
  EXPECT_EQ(digest_of(roots.amd[1].certificate),
            "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1");
  EXPECT_EQ(digest_of(roots.amd[2].certificate),
            "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a");
  EXPECT_EQ(digest_of(roots.intel),
            "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
}

}  // namespace
}  // namespace cloister::attest::test
