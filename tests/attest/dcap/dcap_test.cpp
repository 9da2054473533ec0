// What TDX and SGX quotes share, under an Intel of our own: each check is broken alone.
#include "attest/dcap/dcap.h"

#include <gmock/gmock.h>
#include <openssl/obj_mac.h>

#include "tests/attest/dcap_world.h"
#include "tests/attest/expect.h"

namespace cloister::attest::test {
namespace {

using testing::ElementsAre;
template <typename Change>
Case dcap_with(const Change& change, bool tdx = true) {
  DcapWorld world(tdx, tdx ? 4 : 3);
  change(world);
  return world.make();
}

const Time kOld = time_of("2019-01-01T00:00:00Z");

TEST(Dcap, EveryVersionAndBodyIsTrusted) {
  expect_trusted(DcapWorld(true, 4).make());
  expect_trusted(DcapWorld(true, 5).make());
  expect_trusted(DcapWorld(true, 5, true).make());
  expect_trusted(DcapWorld(false, 3).make());
  expect_trusted(DcapWorld(false, 4).make());
  expect_trusted(DcapWorld(false, 5).make());
}

TEST(Dcap, Quote) {
  const auto header = [](size_t offset, uint16_t value) {
    return dcap_with([&](DcapWorld& w) { set_little(w.header, offset, value); });
  };
  expect_fails(header(0, 2), "dcap.quote", "quote version 2");
  expect_fails(header(0, 6), "dcap.quote", "quote version 6, want 3 to 5");
  expect_fails(header(2, 3), "dcap.quote", "attestation key of type 3");
  expect_fails(header(4, 0x82), "dcap.quote", "TEE type 0x82");
  expect_fails(header(12, 0), "dcap.quote", "vendor");
  expect_fails(header(0, 5), "dcap.quote", "body type");
  expect_fails(header(0, 3), "dcap.quote", "TEE type 0x81 in a quote of version 3");
  expect_fails(dcap_with([](DcapWorld& w) { w.chain_type = 3; }), "dcap.quote",
               "certification data of type 3");
  expect_trusted(dcap_with([](DcapWorld& w) { w.trailing.resize(70); }));
  expect_fails(dcap_with([](DcapWorld& w) {
                 w.trailing = {std::byte{0}, std::byte{1}};
               }),
               "dcap.quote", "not all zero");
  // A quote of the other TEE.
  Case other = DcapWorld(false, 4).make();
  other.evidence.kind = EvidenceKind::kTdx;
  other.policy.tdx.emplace();
  expect_fails(other, "dcap.quote", "a quote of SGX");
  // The body of one version under the number of another, sizes that lie.
  Case c = DcapWorld(true, 5).make();
  set_little(c.evidence.report, 50, uint32_t{648});
  expect_fails(c, "dcap.quote", "body of 648 bytes, want 584");
  for (const uint32_t size : {0U, 1U, 0x7fffffffU, 0xffffffffU}) {
    c = DcapWorld(true, 4).make();
    set_little(c.evidence.report, 632, size);
    expect_fails(c, "dcap.quote");
  }
}

TEST(Dcap, PckChain) {
  expect_fails(dcap_with([](DcapWorld& w) { w.pck.to = kOld; }), "dcap.pck_chain", "");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_ca.to = kOld; }), "dcap.pck_chain");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck.signer = w.root_key.get(); }), "dcap.pck_chain");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_ca.signer = w.ca_key.get(); }), "dcap.pck_chain");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_ca.is_ca = false; }), "dcap.pck_chain");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck.subject = "Intel SGX TCB Signing"; }),
               "dcap.pck_chain", "want 'Intel SGX PCK Certificate'");
  expect_fails(dcap_with([](DcapWorld& w) {
                 w.pck_ca.subject = w.pck.issuer = w.pck_crl.issuer = "Intel SGX Other CA";
               }),
               "dcap.pck_chain", "Intel SGX Other CA");
  expect_trusted(dcap_with([](DcapWorld& w) {
    w.pck_ca.subject = w.pck.issuer = w.pck_crl.issuer = "Intel SGX PCK Processor CA";
  }));
  // Under the vendor's root nothing of ours is anything.
  Case c = DcapWorld().make();
  c.roots = vendor_roots();
  expect_fails(c, "dcap.pck_chain, dcap.tcb_info, dcap.qe_identity");
  c.roots.intel.clear();
  expect_fails(c, "dcap.pck_chain, dcap.tcb_info, dcap.qe_identity", "no pinned root");
}

TEST(Dcap, Revocation) {
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_crl.revoked = {3}; }), "dcap.revocation",
               "'Intel SGX PCK Certificate' is revoked");
  expect_fails(dcap_with([](DcapWorld& w) { w.root_crl.revoked = {2}; }), "dcap.revocation",
               "'Intel SGX PCK Platform CA' is revoked");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_crl.to = kOld + std::chrono::days(1); }),
               "dcap.revocation", "pck_crl: revocation list valid");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_crl.signer = w.root_key.get(); }),
               "dcap.revocation", "bad signature");
  expect_fails(dcap_with([](DcapWorld& w) { w.pck_crl.issuer = "Intel SGX PCK Processor CA"; }),
               "dcap.revocation", "Processor CA");
  // The root's list covers the signers of collateral too.
  const std::string all = "dcap.revocation, dcap.tcb_info, dcap.qe_identity";
  expect_fails(dcap_with([](DcapWorld& w) { w.root_crl.from = time_of("2026-12-01T00:00:00Z"); }),
               all);
  expect_fails(dcap_with([](DcapWorld& w) { w.root_crl.signer = w.ca_key.get(); }), all,
               "bad signature");
  Case missing = DcapWorld().make();
  remove_blob(missing.endorsements.blobs, kRootCrl);
  expect_fails(missing, all, "no root_ca_crl was given");
  missing = DcapWorld().make();
  remove_blob(missing.endorsements.blobs, kPckCrl);
  expect_fails(missing, "dcap.revocation", "no pck_crl was given");
  expect_fails(dcap_with([](DcapWorld& w) { w.root_crl.revoked = {4}; }),
               "dcap.tcb_info, dcap.qe_identity", "'Intel SGX TCB Signing' is revoked");
}

TEST(Dcap, PckExtension) {
  expect_fails(dcap_with([](DcapWorld& w) { w.has_pck_extension = false; }), "dcap.pck_extension",
               "no SGX extension");
  expect_fails(dcap_with([](DcapWorld& w) {
                 w.has_pck_extension = false;
                 w.pck.extensions.emplace_back("1.2.840.113741.1.13.1", der(0x30, {}));
               }),
               "dcap.pck_extension", "no PPID");
}

TEST(Dcap, CollateralIsSignedByIntel) {
  for (const bool tcb : {true, false}) {
    const std::string check = tcb ? "dcap.tcb_info" : "dcap.qe_identity";
    const std::string_view name = tcb ? kTcbInfo : kQeIdentity;
    const std::string_view chain = tcb ? kTcbInfoChain : kQeIdentityChain;
    Case c = DcapWorld().make();
    remove_blob(c.endorsements.blobs, chain);
    expect_fails(c, check, "no " + std::string(chain));
    // One byte more in what is signed, that changes nothing in its meaning.
    c = DcapWorld().make();
    auto& inner = blob(c.endorsements.blobs, name);
    const size_t comma = as_text(inner).find(',') + 1;
    inner.insert(inner.begin() + static_cast<ptrdiff_t>(comma), std::byte{' '});
    expect_fails(c, check, "bad signature");
    // A chain that ends elsewhere.
    c = DcapWorld().make();
    DcapWorld world;
    auto& pem_chain = blob(c.endorsements.blobs, chain);
    pem_chain =
        bytes_of(world.chain_of(world.signing, world.signing_key, false) + vendor_roots().intel);
    expect_fails(c, check, "another root");
    pem_chain = bytes_of(world.chain_of(world.signing, world.signing_key, false));
    expect_trusted(c);
    world.signing.signer = world.ca_key.get();
    pem_chain = bytes_of(world.chain_of(world.signing, world.signing_key, false));
    expect_fails(c, check, "signature failure");
  }
  const std::string both = "dcap.tcb_info, dcap.qe_identity";
  expect_fails(dcap_with([](DcapWorld& w) { w.signing.to = kOld; }), both);
  expect_fails(dcap_with([](DcapWorld& w) { w.signing.subject = "Intel SGX PCK Certificate"; }),
               both, "want 'Intel SGX TCB Signing'");
}

TEST(Dcap, CollateralHasAFormAndATime) {
  const auto tcb = [](const char* key, const Json& value) {
    return dcap_with([&](DcapWorld& w) { w.tcb_info[key] = value; });
  };
  const auto qe = [](const char* key, const Json& value) {
    return dcap_with([&](DcapWorld& w) { w.qe_identity[key] = value; });
  };
  expect_fails(tcb("id", "SGX"), "dcap.tcb_info", "id 'SGX', want 'TDX'");
  expect_fails(tcb("version", 2), "dcap.tcb_info", "version 2");
  expect_fails(tcb("version", 4), "dcap.tcb_info", "version 4, want 3");
  expect_fails(tcb("tcbType", 1), "dcap.tcb_info", "tcbType 1");
  expect_fails(tcb("tcbLevels", Json::array()), "dcap.tcb_info", "tcbLevels");
  expect_fails(qe("id", "QE"), "dcap.qe_identity", "id 'QE', want 'TD_QE'");
  expect_fails(qe("version", 3), "dcap.qe_identity", "version 3");
  expect_fails(
      dcap_with([](DcapWorld& w) { w.tcb_info["tcbLevels"][0]["tcbStatus"] = "Splendid"; }),
      "dcap.tcb_info", "Splendid");
  expect_fails(dcap_with([](DcapWorld& w) {
                 w.tcb_info["tcbLevels"][0]["tcb"]["sgxtcbcomponents"].erase(15);
               }),
               "dcap.tcb_info", "want an array of 16");
  expect_fails(
      dcap_with([](DcapWorld& w) { w.tcb_info["tcbLevels"][1]["tcb"].erase("tdxtcbcomponents"); }),
      "dcap.tcb_info", "no key 'tdxtcbcomponents'");
  expect_fails(tcb("nextUpdate", "2026-05-31T23:59:59Z"), "dcap.tcb_info_date");
  expect_trusted(tcb("nextUpdate", "2026-06-01T00:00:00Z"));
  expect_fails(tcb("issueDate", "2026-06-01T00:00:01Z"), "dcap.tcb_info_date");
  expect_fails(qe("nextUpdate", "2026-05-31T23:59:59Z"), "dcap.qe_identity_date");
  expect_fails(qe("issueDate", "2026-06-01T00:00:01Z"), "dcap.qe_identity_date");
  const std::string field = "tdx.platform.min_tcb_evaluation_data_number";
  expect_fails(tcb("tcbEvaluationDataNumber", 16), "dcap.evaluation", "16", field);
  expect_fails(qe("tcbEvaluationDataNumber", 16), "dcap.evaluation", "16", field);
}

TEST(Dcap, QuotingEnclave) {
  Case c = DcapWorld().make();
  // Behind header, body, size, signature, key, type and size: the QE report.
  c.evidence.report[48 + 584 + 4 + 128 + 6 + 5] ^= std::byte{1};
  expect_fails(c, "dcap.qe_signature", "bad signature");
  expect_fails(dcap_with([](DcapWorld& w) { w.qe_binding.assign(32, std::byte{1}); }),
               "dcap.qe_binding");
  expect_fails(dcap_with([](DcapWorld& w) {
                 std::vector<std::byte> bound = public_point(w.attestation_key.get());
                 put(bound, w.qe_auth);
                 const Digest hash = sha256(bound);
                 w.qe_binding.assign(hash.begin(), hash.end());
                 w.qe_binding.push_back(std::byte{1});
               }),
               "dcap.qe_binding");
  expect_fails(dcap_with([](DcapWorld& w) { w.qe_report[kMrSignerAt] ^= std::byte{1}; }),
               "dcap.qe_enclave", "MRSIGNER");
  expect_fails(dcap_with([](DcapWorld& w) { set_little(w.qe_report, kIsvProdIdAt, uint16_t{3}); }),
               "dcap.qe_enclave", "product 3");
  expect_fails(dcap_with([](DcapWorld& w) { set_little(w.qe_report, kMiscSelectAt, uint32_t{1}); }),
               "dcap.qe_enclave", "MISCSELECT 0x1");
  expect_fails(dcap_with([](DcapWorld& w) { w.qe_report[kSgxAttributesAt] |= std::byte{2}; }),
               "dcap.qe_enclave", "attributes 17");
  c = DcapWorld().make();
  c.evidence.report[636] ^= std::byte{1};
  expect_fails(c, "dcap.quote_signature", "bad signature");
}

TEST(Dcap, AnAttestationKeyOffTheCurve) {
  Case c = DcapWorld().make();
  c.evidence.report[636 + 64] ^= std::byte{1};
  expect_fails(c, "dcap.qe_binding, dcap.quote_signature");
}

TEST(Dcap, Platform) {
  expect_fails(dcap_with([](DcapWorld& w) { w.tcb_info["fmspc"] = "00A067110000"; }),
               "dcap.platform");
  expect_fails(dcap_with([](DcapWorld& w) { w.tcb_info["pceId"] = "0001"; }), "dcap.platform");
  expect_trusted(dcap_with([](DcapWorld& w) {
    std::string upper = to_string(w.fmspc);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    w.tcb_info["fmspc"] = upper;
  }));
}

TEST(Dcap, Module) {
  expect_fails(dcap_with([](DcapWorld& w) { w.body[kMrSignerSeamAt] = std::byte{1}; }),
               "dcap.module", "");
  expect_fails(dcap_with([](DcapWorld& w) { w.body[kSeamAttributesAt] = std::byte{1}; }),
               "dcap.module");
  expect_fails(dcap_with([](DcapWorld& w) { w.body[kTeeTcbSvnAt + 1] = std::byte{2}; }),
               "dcap.module");
  // Version 0 has no identity and no levels of its own: its SVNs count with the platform's.
  expect_trusted(dcap_with([](DcapWorld& w) { w.body[kTeeTcbSvnAt + 1] = std::byte{0}; }));
  expect_fails(dcap_with([](DcapWorld& w) {
                 w.body[kTeeTcbSvnAt + 1] = std::byte{0};
                 w.body[kTeeTcbSvnAt] = std::byte{4};
               }),
               "dcap.tcb_status", "NotSupported");
}

// What platform, quoting enclave and module make together.
TEST(Dcap, Status) {
  const auto status = [](const Case& c) {
    const Verdict verdict = c.verify();
    EXPECT_EQ(failed(verdict), "dcap.tcb_status") << text_of(verdict);
    return *verdict.claims.dcap->tcb_status;
  };
  using enum TcbStatus;
  const auto platform = [](uint8_t svn, uint16_t pce_svn) {
    return [=](DcapWorld& w) {
      w.svns[0] = svn;
      w.pce_svn = pce_svn;
    };
  };
  EXPECT_EQ(status(dcap_with(platform(2, 13))), kSwHardeningNeeded);
  EXPECT_EQ(status(dcap_with(platform(3, 12))), kOutOfDate);
  EXPECT_EQ(status(dcap_with(platform(2, 12))), kOutOfDate);
  EXPECT_EQ(status(dcap_with(platform(1, 12))), kRevoked);
  EXPECT_EQ(status(dcap_with(platform(0, 13))), kNotSupported);
  EXPECT_EQ(status(dcap_with(platform(3, 4))), kNotSupported);
  EXPECT_EQ(status(dcap_with(platform(2, 12), false)), kOutOfDate);
  // The last component, and TDX's own.
  EXPECT_EQ(status(dcap_with([](DcapWorld& w) {
              w.tcb_info["tcbLevels"][0]["tcb"]["sgxtcbcomponents"][15]["svn"] = 1;
            })),
            kSwHardeningNeeded);
  EXPECT_EQ(status(dcap_with([](DcapWorld& w) { w.body[kTeeTcbSvnAt + 2] = std::byte{2}; })),
            kSwHardeningNeeded);
  EXPECT_EQ(status(dcap_with([](DcapWorld& w) { w.body[kTeeTcbSvnAt + 2] = std::byte{1}; })),
            kNotSupported);
  // The module.
  EXPECT_EQ(status(dcap_with([](DcapWorld& w) { w.body[kTeeTcbSvnAt] = std::byte{4}; })),
            kOutOfDate);
  EXPECT_EQ(status(dcap_with([](DcapWorld& w) { w.body[kTeeTcbSvnAt] = std::byte{2}; })),
            kNotSupported);
  // The quoting enclave.
  const auto qe = [](uint16_t svn) {
    return [=](DcapWorld& w) { set_little(w.qe_report, kIsvSvnAt, svn); };
  };
  EXPECT_EQ(status(dcap_with(qe(5))), kOutOfDate);
  EXPECT_EQ(status(dcap_with(qe(3))), kNotSupported);
  EXPECT_EQ(status(dcap_with(
                [](DcapWorld& w) { w.qe_identity["tcbLevels"][0]["tcbStatus"] = "Revoked"; })),
            kRevoked);
  EXPECT_EQ(status(dcap_with([](DcapWorld& w) {
              w.tcb_info["tcbLevels"][0]["tcbStatus"] = "ConfigurationNeeded";
              set_little(w.qe_report, kIsvSvnAt, uint16_t{5});
            })),
            kOutOfDateConfigurationNeeded);
}

TEST(Dcap, StatusIsAcceptedWithItsAdvisories) {
  Case c = dcap_with([](DcapWorld& w) { w.svns[0] = 2; });
  expect_fails(c, "dcap.tcb_status", "SWHardeningNeeded (INTEL-SA-00615)", "tdx.platform.tcb");
  std::vector<AcceptedTcb>& accepted = c.policy.tdx->platform.tcb;
  accepted = {{TcbStatus::kSwHardeningNeeded, {}}};
  expect_fails(c, "dcap.tcb_status", "INTEL-SA-00615");
  accepted = {{TcbStatus::kOutOfDate, {"INTEL-SA-00615"}}};
  expect_fails(c, "dcap.tcb_status", "INTEL-SA-00615");
  accepted = {{TcbStatus::kSwHardeningNeeded, {"INTEL-SA-00615"}}};
  expect_trusted(c);
  EXPECT_THAT(c.verify().claims.dcap->advisories, ElementsAre("INTEL-SA-00615"));
  // UpToDate with an advisory is not UpToDate alone.
  Case advised =
      dcap_with([](DcapWorld& w) { w.tcb_info["tcbLevels"][0]["advisoryIDs"] = {"INTEL-SA-1"}; });
  expect_fails(advised, "dcap.tcb_status", "UpToDate (INTEL-SA-1)");
  advised.policy.tdx->platform.tcb = {{TcbStatus::kUpToDate, {"INTEL-SA-1"}}};
  expect_trusted(advised);
  // What can't be accepted, whatever a policy says.
  Case revoked = dcap_with([](DcapWorld& w) { w.svns[0] = 1; });
  revoked.policy.tdx->platform.tcb = {{TcbStatus::kRevoked, {"INTEL-SA-00106"}}};
  expect_fails(revoked, "dcap.tcb_status", "Revoked");
  Case unsupported = dcap_with([](DcapWorld& w) { w.svns[0] = 0; });
  unsupported.policy.tdx->platform.tcb = {{TcbStatus::kNotSupported, {}}};
  expect_fails(unsupported, "dcap.tcb_status", "NotSupported");
}

TEST(Dcap, LevelsAreSortedBeforeTheyAreTried) {
  expect_trusted(dcap_with([](DcapWorld& w) {
    Json& levels = w.tcb_info["tcbLevels"];
    std::reverse(levels.begin(), levels.end());
    Json& qe = w.qe_identity["tcbLevels"];
    std::reverse(qe.begin(), qe.end());
  }));
}

TEST(Dcap, Pins) {
  Case c = DcapWorld().make();
  DcapPolicy& policy = c.policy.tdx->platform;
  policy.ppids = {filler<16>("ppid")};
  policy.platform_instances = {filler<16>("platform instance")};
  expect_trusted(c);
  policy.ppids[0].bytes[0] ^= std::byte{1};
  expect_fails(c, "dcap.ppid_pin", "", "tdx.platform.ppids");
  policy.ppids.clear();
  policy.platform_instances[0].bytes[0] ^= std::byte{1};
  expect_fails(c, "dcap.platform_instance_pin", "", "tdx.platform.platform_instances");
}

TEST(Dcap, WithoutItsSectionNothingIsAccepted) {
  Case c = DcapWorld().make();
  c.policy = {};
  expect_kind_refused(c, "tdx (tee)", "tdx");
}

// TD reports 1.5 name two versions of the TDX module: the TD's at launch, and the last one loaded.
TEST(Dcap, BothTeeTcbSvnsCount) {
  const auto svns = [](std::string_view first, std::string_view second) {
    DcapWorld world(true, 5, true);
    set(world.body, kTeeTcbSvnAt, as_bytes(first));
    set(world.body, kTeeTcbSvn2At, as_bytes(second));
    return world.make();
  };
  const std::string good = "\5\1\3";
  expect_trusted(svns(good, good));
  const std::tuple<std::string, std::string, std::string> worse[] = {
      {"\5\1\2", "dcap.tcb_status", "SWHardeningNeeded (INTEL-SA-00615)"},
      {"\3\1\3", "dcap.tcb_status", "OutOfDate (INTEL-SA-01036)"},
      {"\5\1\1", "dcap.tcb_status", "NotSupported"},
      {"\5\2\3", "dcap.module", "TDX_02"}};
  for (const auto& [svn, checks, found] : worse) {
    expect_fails(svns(svn, good), checks, found);
    expect_fails(svns(good, svn), checks, found);
  }
  // What is wrong with either adds up.
  expect_fails(svns("\3\1\3", "\5\1\2"), "dcap.tcb_status",
               "OutOfDate (INTEL-SA-00615, INTEL-SA-01036)");
  const DcapClaims claims = *svns(good, "\3\1\2").verify().claims.dcap;
  EXPECT_EQ(claims.platform_status, TcbStatus::kSwHardeningNeeded);
  EXPECT_EQ(claims.module_status, TcbStatus::kOutOfDate);
}

}  // namespace
}  // namespace cloister::attest::test
