// SEV-SNP under an AMD of our own: each check is broken alone, and fails alone.
#include "attest/snp/snp.h"

#include <openssl/obj_mac.h>

#include "tests/attest/expect.h"
#include "tests/attest/snp_world.h"

namespace cloister::attest::test {
namespace {

// A world with one thing changed.
template <typename Change>
Case snp_with(const Change& change, SnpProduct product = SnpProduct::kMilan, bool vlek = false) {
  SnpWorld world(product, vlek);
  change(world);
  return world.make();
}

template <typename Change>
Case with_policy(const Change& change, SnpProduct product = SnpProduct::kMilan, bool vlek = false) {
  Case c = SnpWorld(product, vlek).make();
  change(*c.policy.snp);
  return c;
}

TEST(Snp, EveryProductAndKeyIsTrusted) {
  for (const SnpProduct product : {SnpProduct::kMilan, SnpProduct::kGenoa, SnpProduct::kTurin}) {
    for (const bool vlek : {false, true}) {
      const Case c = SnpWorld(product, vlek).make();
      expect_trusted(c);
      const auto claims = VerifiedClaims::of(c.verify());
      ASSERT_TRUE(claims);
      EXPECT_EQ((*claims)->snp->product, product);
      EXPECT_EQ((*claims)->snp->csp, vlek ? "CN=test-cloud" : "");
    }
  }
  // Bergamo and Siena have Genoa's keys.
  expect_trusted(snp_with([](SnpWorld& w) { set_little(w.report, kModelAt, uint8_t{0xa0}); },
                          SnpProduct::kGenoa));
}

TEST(Snp, HwidMayBeAnOctetString) {
  for (const SnpProduct product : {SnpProduct::kMilan, SnpProduct::kTurin}) {
    expect_trusted(
        snp_with([](SnpWorld& w) { w.extension("4") = der(0x04, w.extension("4")); }, product));
  }
}

TEST(Snp, TheReportsForm) {
  for (const size_t size : {size_t{0}, size_t{1183}, size_t{1185}}) {
    Case c = SnpWorld().make();
    c.evidence.report.resize(size);
    expect_fails(c, "snp.report", "bytes, want 1184");
  }
  const auto version = [](uint32_t number) {
    return snp_with([&](SnpWorld& w) { set_little(w.report, kVersionAt, number); });
  };
  expect_fails(version(1), "snp.report", "version 1");
  expect_fails(version(6), "snp.report", "version 6, want 2 to 5");
  expect_trusted(version(4));
  expect_trusted(version(5));
  expect_fails(snp_with([](SnpWorld& w) { set_little(w.report, kAlgorithmAt, uint32_t{2}); }),
               "snp.report", "signature algorithm 2");
  // Behind r, behind s, and behind both.
  for (const size_t at : {0x2a0 + 48, 0x2a0 + 72 + 48, 0x2a0 + 144, 0x49f}) {
    Case c = SnpWorld().make();
    c.evidence.report[at] = std::byte{1};
    expect_fails(c, "snp.report", "signature");
  }
}

TEST(Snp, Version2IsAcceptedWhereThePolicySaysSo) {
  Case c = snp_with([](SnpWorld& w) {
    set_little(w.report, kVersionAt, uint32_t{2});
    set_little(w.report, kFamilyAt, uint16_t{0});
  });
  expect_fails(c, "snp.version", "version 2", "snp.accept_version_2");
  c.policy.snp->accept_version_2 = true;
  expect_trusted(c);
}

TEST(Snp, Certificates) {
  for (const std::string_view name : {kVek, kIntermediate}) {
    Case missing = SnpWorld().make();
    remove_blob(missing.endorsements.blobs, name);
    expect_fails(missing, "snp.certificates", "no " + std::string(name));
    Case broken = SnpWorld().make();
    blob(broken.endorsements.blobs, name).pop_back();
    expect_fails(broken, "snp.certificates", std::string(name));
    Case longer = SnpWorld().make();
    blob(longer.endorsements.blobs, name).push_back(std::byte{0});
    expect_fails(longer, "snp.certificates", "1 bytes after it");
    Case text = SnpWorld().make();
    auto& bytes = blob(text.endorsements.blobs, name);
    bytes = bytes_of(pem("CERTIFICATE", bytes));
    expect_trusted(text);
  }
  expect_fails(snp_with([](SnpWorld& w) { w.vek.subject = "SEV-OTHER"; }), "snp.certificates",
               "SEV-OTHER");
  for (const char* end : {"1", "2", "3.1", "3.2", "3.3", "3.8"}) {
    expect_fails(snp_with([&](SnpWorld& w) { w.remove_extension(end); }), "snp.certificates",
                 std::string("no extension 1.3.6.1.4.1.3704.1.") + end);
    expect_fails(snp_with([&](SnpWorld& w) {
                   w.vek.extensions.emplace_back(std::string("1.3.6.1.4.1.3704.1.") + end,
                                                 w.extension(end));
                 }),
                 "snp.certificates", "occurs twice");
  }
  expect_fails(snp_with([](SnpWorld& w) { w.remove_extension("3.9"); }, SnpProduct::kTurin),
               "snp.certificates", "3704.1.3.9");
  expect_fails(snp_with([](SnpWorld& w) { w.extension("2") = der(0x16, as_bytes("Venice")); }),
               "snp.certificates", "Venice");
  expect_fails(snp_with([](SnpWorld& w) { w.extension("1") = der_number(1); }), "snp.certificates",
               "structure 1, want 0");
  expect_fails(snp_with([](SnpWorld& w) { w.extension("3.8") = der_number(256); }),
               "snp.certificates", "256");
}

TEST(Snp, Chain) {
  const auto in_2019 = time_of("2019-01-01T00:00:00Z");
  expect_fails(snp_with([&](SnpWorld& w) { w.vek.to = in_2019; }), "snp.chain", "expired");
  expect_fails(snp_with([&](SnpWorld& w) { w.intermediate.to = in_2019; }), "snp.chain", "expired");
  expect_fails(snp_with([&](SnpWorld& w) { w.root.to = in_2019; }), "snp.chain", "expired");
  expect_fails(snp_with([](SnpWorld& w) { w.vek.from = time_of("2030-01-01T00:00:00Z"); }),
               "snp.chain", "not yet valid");
  expect_fails(snp_with([](SnpWorld& w) { w.intermediate.is_ca = false; }), "snp.chain",
               "invalid CA");
  // Signed by someone else than its issuer.
  expect_fails(snp_with([](SnpWorld& w) { w.vek.signer = w.root_key.get(); }), "snp.chain",
               "signature failure");
  expect_fails(snp_with([](SnpWorld& w) { w.intermediate.signer = w.intermediate_key.get(); }),
               "snp.chain", "signature failure");
  // A root that is not pinned: the vendor's are.
  Case c = SnpWorld().make();
  c.roots = vendor_roots();
  expect_fails(c, "snp.chain", "");
  c.roots = {};
  expect_fails(c, "snp.chain", "no pinned root");
  // Turin's chain under the name of Milan's root.
  expect_fails(snp_with([](SnpWorld& w) {
                 w.intermediate.subject = "SEV-Turin";
                 w.vek.issuer = "SEV-Turin";
               }),
               "snp.chain", "intermediate 'SEV-Turin', want 'SEV-Milan'");
  // A VLEK under ASK, a VCEK under ASVK.
  expect_fails(snp_with(
                   [](SnpWorld& w) {
                     w.intermediate.subject = "SEV-Milan";
                     w.vek.issuer = "SEV-Milan";
                   },
                   SnpProduct::kMilan, true),
               "snp.chain", "want 'SEV-VLEK-Milan'");
}

TEST(Snp, Revocation) {
  Case missing = SnpWorld().make();
  remove_blob(missing.endorsements.blobs, kAmdCrl);
  expect_fails(missing, "snp.revocation", "no amd_crl", "snp.accept_without_crl");
  missing.policy.snp->accept_without_crl = true;
  expect_trusted(missing);
  // One that is there counts, whether it is asked for or not.
  for (const bool accept : {false, true}) {
    const auto check = [&](const auto& change, const std::string& found) {
      Case c = snp_with(change);
      c.policy.snp->accept_without_crl = accept;
      expect_fails(c, "snp.revocation", found);
    };
    check([](SnpWorld& w) { w.crl.revoked = {5, 0x10001}; }, "'SEV-Milan' is revoked");
    check([](SnpWorld& w) { w.crl.to = time_of("2026-05-01T00:00:00Z"); }, "not at 2026-06-01");
    check([](SnpWorld& w) { w.crl.from = time_of("2026-07-01T00:00:00Z"); }, "not at 2026-06-01");
    check([](SnpWorld& w) { w.crl.signer = w.intermediate_key.get(); }, "bad signature");
    check([](SnpWorld& w) { w.crl.issuer = "ARK-Genoa"; }, "of 'ARK-Genoa'");
  }
}

TEST(Snp, Signature) {
  Case c = SnpWorld().make();
  c.evidence.report[0x2a0] ^= std::byte{1};
  expect_fails(c, "snp.signature", "bad signature");
  // Another chip's key, certified alike.
  const Key other = ec_key("another chip", NID_secp384r1);
  expect_fails(snp_with([&](SnpWorld& w) { w.vek.key = other.get(); }), "snp.signature",
               "bad signature");
  const Key small = ec_key("p256", NID_X9_62_prime256v1);
  expect_fails(snp_with([&](SnpWorld& w) { w.vek.key = small.get(); }), "snp.signature",
               "not on secp384r1");
}

TEST(Snp, Signer) {
  const auto key = [](uint32_t signing_key, bool vlek) {
    return snp_with([&](SnpWorld& w) { set_little(w.report, kKeyInfoAt, signing_key << 2); },
                    SnpProduct::kMilan, vlek);
  };
  expect_fails(key(1, false), "snp.signer", "SIGNING_KEY 1, certificate SEV-VCEK");
  expect_fails(key(7, false), "snp.signer", "SIGNING_KEY 7");
  expect_fails(key(0, true), "snp.signer", "SIGNING_KEY 0, certificate SEV-VLEK");
  expect_fails(with_policy([](SnpPolicy& p) { p.accept_vlek = false; }, SnpProduct::kMilan, true),
               "snp.signer", "SEV-VLEK", "snp.accept_vlek");
}

// A VLEK is of any chip of a cloud: of which cloud must be said.
TEST(Snp, Cloud) {
  const auto csp = [](const std::string& id) {
    return with_policy([&](SnpPolicy& p) { p.csp_ids = {id}; }, SnpProduct::kMilan, true);
  };
  expect_fails(csp("CN=another-cloud"), "snp.csp", "CN=test-cloud", "snp.csp_ids");
  expect_fails(csp(""), "snp.csp", "CN=test-cloud");
  expect_fails(with_policy([](SnpPolicy& p) { p.csp_ids.clear(); }, SnpProduct::kMilan, true),
               "snp.csp", "CN=test-cloud", "snp.csp_ids");
  const auto named = [](std::string_view id) {
    return snp_with([&](SnpWorld& w) { w.extension("5") = der(0x16, as_bytes(id)); },
                    SnpProduct::kMilan, true);
  };
  expect_fails(named("CN=test-cloud2"), "snp.csp", "CN=test-cloud2");
  expect_fails(named(""), "snp.certificates", "want a name");
  expect_fails(named("a\nb"), "snp.certificates", "want a name");
  Case none = snp_with([](SnpWorld& w) { w.remove_extension("5"); }, SnpProduct::kMilan, true);
  none.policy.snp->csp_ids = {""};
  expect_fails(none, "snp.csp", "a VLEK of no cloud");
}

TEST(Snp, Product) {
  const auto cpu = [](uint8_t family, uint8_t model) {
    return snp_with([&](SnpWorld& w) {
      set_little(w.report, kFamilyAt, family);
      set_little(w.report, kModelAt, model);
    });
  };
  expect_fails(cpu(0x19, 0x11), "snp.product", "CPU genoa");
  expect_fails(cpu(0x1a, 0x02), "snp.product", "CPU turin");
  expect_fails(cpu(0x1a, 0x50), "snp.product", "family 0x1a model 0x50");
  expect_fails(cpu(0, 0), "snp.product", "family 0x0");
  expect_fails(snp_with([](SnpWorld& w) { w.extension("2") = der(0x16, as_bytes("Genoa")); }),
               "snp.product", "certificate genoa");
}

TEST(Snp, CertifiedTcb) {
  for (const char* end : {"3.1", "3.2", "3.3", "3.8"}) {
    expect_fails(snp_with([&](SnpWorld& w) { w.extension(end) = der_number(77); }),
                 "snp.certified_tcb");
  }
  expect_fails(
      snp_with([](SnpWorld& w) { w.extension("3.9") = der_number(77); }, SnpProduct::kTurin),
      "snp.certified_tcb", "fmc 1");
}

TEST(Snp, Chip) {
  expect_fails(snp_with([](SnpWorld& w) { w.report[kChipIdAt] ^= std::byte{1}; }), "snp.chip");
  expect_fails(snp_with([](SnpWorld& w) { w.remove_extension("4"); }), "snp.chip",
               "0 bytes, want 64");
  // Turin's identity has 8 bytes; what follows them must be zero.
  expect_fails(
      snp_with([](SnpWorld& w) { w.report[kChipIdAt + 8] = std::byte{1}; }, SnpProduct::kTurin),
      "snp.chip");
  expect_fails(snp_with([](SnpWorld& w) { w.extension("4").resize(64); }, SnpProduct::kTurin),
               "snp.chip", "64 bytes, want 8");
}

TEST(Snp, ReportData) {
  Case c = SnpWorld().make();
  c.expected.report_data = filler<64>("another exchange");
  expect_fails(c, "snp.report_data");
  c.expected.report_data.reset();
  expect_fails(c, "snp.report_data");
}

TEST(Snp, GuestPolicy) {
  const auto policy = [](uint64_t bits) {
    return snp_with([&](SnpWorld& w) { set_little(w.report, kPolicyAt, bits); });
  };
  expect_fails(policy(0x1001f), "snp.guest_policy", "0x1001f");
  expect_fails(policy(0x3001f | uint64_t{1} << 26), "snp.guest_policy");
  expect_fails(policy(0x3001f | uint64_t{1} << 19), "snp.debug", "on");
  Case migrating = policy(0x3001f | uint64_t{1} << 18);
  expect_fails(migrating, "snp.migration_agent", "allowed", "snp.accept_migration_agent");
  migrating.policy.snp->accept_migration_agent = true;
  expect_trusted(migrating);
  Case behind_cxl = policy(0x3001f | uint64_t{1} << 21);
  expect_fails(behind_cxl, "snp.guest_policy", "0x23001f", "snp.accept_cxl");
  behind_cxl.policy.snp->accept_cxl = true;
  expect_trusted(behind_cxl);
  expect_fails(with_policy([](SnpPolicy& p) { p.accept_smt = false; }), "snp.guest_policy",
               "0x3001f", "snp.accept_smt");
}

TEST(Snp, Vmpl) {
  const auto vmpl = [](uint32_t level) {
    return snp_with([&](SnpWorld& w) { set_little(w.report, kVmplAt, level); });
  };
  expect_fails(vmpl(1), "snp.vmpl", "1", "snp.vmpl");
  expect_fails(vmpl(UINT32_MAX), "snp.vmpl", "the host asked");
}

TEST(Snp, Measurement) {
  expect_fails(with_policy([](SnpPolicy& p) { p.measurements = {filler<48>("another")}; }),
               "snp.measurement", "", "snp.measurements");
  expect_fails(with_policy([](SnpPolicy& p) { p.measurements.clear(); }), "snp.measurement", "",
               "snp.measurements");
  expect_trusted(with_policy(
      [](SnpPolicy& p) { p.measurements.insert(p.measurements.begin(), Fixed<48>{}); }));
}

// The host chooses the ID block, and so GUEST_SVN, unless its key is named.
TEST(Snp, GuestSvn) {
  const auto at_least = [](uint64_t svn, const std::vector<Fixed<48>>& ids,
                           const std::vector<Fixed<48>>& authors) {
    return with_policy([&](SnpPolicy& p) {
      p.min_guest_svn = svn;
      p.id_key_digests = ids;
      p.author_key_digests = authors;
    });
  };
  const auto id = filler<48>("id key");
  const auto author = filler<48>("author key");
  expect_trusted(at_least(7, {id}, {}));
  expect_trusted(at_least(7, {}, {author}));
  expect_fails(at_least(8, {id}, {}), "snp.guest_svn", "7", "snp.min_guest_svn");
  expect_fails(at_least(7, {}, {}), "snp.guest_svn", "7", "snp.min_guest_svn");
  expect_fails(at_least(7, {}, {author, {}}), "snp.guest_svn", "7", "snp.min_guest_svn");
}

TEST(Snp, MinimumTcb) {
  const auto milan = [](const auto& change) {
    return with_policy([&](SnpPolicy& p) { change(*p.min_tcb.milan); });
  };
  expect_fails(milan([](SnpMinimum& m) { ++*m.bootloader; }), "snp.min_tcb", "bootloader 4",
               "snp.min_tcb.milan.bootloader");
  expect_fails(milan([](SnpMinimum& m) { ++*m.tee; }), "snp.min_tcb", "tee 1",
               "snp.min_tcb.milan.tee");
  expect_fails(milan([](SnpMinimum& m) { ++*m.snp; }), "snp.min_tcb", "snp 24",
               "snp.min_tcb.milan.snp");
  expect_fails(milan([](SnpMinimum& m) { ++*m.microcode; }), "snp.min_tcb", "microcode 217",
               "snp.min_tcb.milan.microcode");
  expect_fails(milan([](SnpMinimum& m) { m.tee.reset(); }), "snp.min_tcb", "",
               "snp.min_tcb.milan.tee");
  expect_fails(with_policy([](SnpPolicy& p) { p.min_tcb.milan.reset(); }), "snp.min_tcb", "",
               "snp.min_tcb.milan");
  expect_fails(with_policy([](SnpPolicy& p) { ++*p.min_tcb.turin->fmc; }, SnpProduct::kTurin),
               "snp.min_tcb", "fmc 1", "snp.min_tcb.turin.fmc");
  // Each of the three TCBs counts.
  expect_fails(snp_with([](SnpWorld& w) { w.set_microcode(kLaunchTcbAt, 216); }), "snp.min_tcb",
               "launch microcode 216");
  expect_fails(snp_with([](SnpWorld& w) {
                 w.set_microcode(kReportedTcbAt, 216);
                 w.extension("3.8") = der_number(216);
               }),
               "snp.min_tcb", "reported microcode 216");
}

TEST(Snp, TcbOrder) {
  expect_fails(snp_with([](SnpWorld& w) { w.set_microcode(kCurrentTcbAt, 216); }), "snp.tcb_order");
  expect_trusted(snp_with([](SnpWorld& w) {
    w.set_microcode(kCommittedTcbAt, 218);
    w.set_microcode(kCurrentTcbAt, 219);
  }));
  // Reported above committed: committed is then below the minimum too.
  expect_fails(snp_with([](SnpWorld& w) { w.set_microcode(kCommittedTcbAt, 216); }),
               "snp.min_tcb, snp.tcb_order", "committed microcode 216");
}

TEST(Snp, Platform) {
  Case c = snp_with([](SnpWorld& w) { set_little(w.report, kPlatformInfoAt, uint64_t{0x07}); });
  expect_fails(c, "snp.platform_info", "without alias_check", "snp.platform_info");
  c.policy.snp->platform_info.clear();
  expect_trusted(c);
  // Bits that no one knows are passed over.
  expect_trusted(
      snp_with([](SnpWorld& w) { set_little(w.report, kPlatformInfoAt, ~uint64_t{0}); }));
  const auto needs = [](uint64_t bits) { return [=](SnpPolicy& p) { p.mitigations = bits; }; };
  expect_trusted(with_policy(needs(0x3f), SnpProduct::kTurin));
  expect_fails(with_policy(needs(0x40), SnpProduct::kTurin), "snp.mitigations", "0x3f",
               "snp.mitigations");
  expect_fails(with_policy(needs(1)), "snp.mitigations", "before version 5");
}

TEST(Snp, Pins) {
  Case c = SnpWorld().make();
  SnpPolicy& policy = *c.policy.snp;
  policy.host_data = {filler<32>("host data")};
  policy.id_key_digests = {filler<48>("id key")};
  policy.author_key_digests = {filler<48>("author key")};
  policy.chip_ids = {filler<64>("chip")};
  expect_trusted(c);
  policy.host_data[0].bytes[0] ^= std::byte{1};
  policy.id_key_digests[0].bytes[0] ^= std::byte{1};
  policy.author_key_digests[0].bytes[0] ^= std::byte{1};
  policy.chip_ids[0].bytes[0] ^= std::byte{1};
  expect_fails(c, "snp.host_data, snp.id_key_digest, snp.author_key_digest, snp.chip_pin", "",
               "snp.host_data");
}

TEST(Snp, WithoutItsSectionNothingIsAccepted) {
  Case c = SnpWorld().make();
  c.policy = {};
  expect_kind_refused(c, "snp (tee)", "snp");
}

}  // namespace
}  // namespace cloister::attest::test
