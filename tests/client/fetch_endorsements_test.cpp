#include "client/fetch_endorsements.h"

#include "attest/snp/report.h"
#include "tests/attest/dcap_world.h"
#include "tests/attest/snp_world.h"
#include "tests/attest/vectors.h"
#include "tests/support/net.h"

namespace cloister::serving {
namespace {

using attest::Blob;
using attest::test::Case;
using attest::test::DcapWorld;
using attest::test::SnpWorld;
using test::expect_error;
using test::value_of;

std::string text_of(const std::vector<Blob>& blobs, std::string_view name) {
  return std::string(as_text(value_of(attest::find_blob(blobs, name))));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned>(c));
  }
  return out;
}

// What a vendor's site answers, by target.
struct Site {
  std::map<std::string, net::Response> answers;
  std::vector<std::string> asked = {};
  std::unique_ptr<net::Server> server = {};

  void add(const std::string& target, std::string body, const std::string& field = "",
           const std::string& value = "") {
    net::Response answer = net::text_response(200, "application/octet-stream", std::move(body));
    if (!field.empty()) answer.fields.push_back({field, value});
    answers[target] = answer;
  }
  std::string start() {
    server = value_of(net::Server::start({}, [this](net::Request request, net::Respond respond) {
      asked.push_back(request.target);
      const auto found = answers.find(request.target);
      respond(found == answers.end() ? net::text_response(404, "text/plain", "none")
                                     : found->second);
    }));
    return fmt::format("http://127.0.0.1:{}", server->port());
  }
};

Result<attest::Endorsements> fetch(Site& site, const Case& asked, FetchOptions options = {}) {
  const std::string url = site.start();
  options.sites = {.amd = url, .intel = url, .intel_root_crl = url + "/root"};
  return fetch_endorsements(asked.evidence, options, asked.now, asked.roots);
}

bool trusts(Case asked, const attest::Endorsements& endorsements) {
  asked.endorsements = endorsements;
  return asked.verify().trusted;
}

// AMD's, for the chip, firmware and certificates of `world`.
Site amd(const SnpWorld& world, const std::string& product, const std::string& vek_target) {
  const auto blobs = world.make().endorsements.blobs;
  const std::string folder = "/vcek/v1/" + product;
  Site site;
  site.add(folder + vek_target, text_of(blobs, attest::kVek));
  const std::string certificate =
      attest::test::pem("CERTIFICATE", as_bytes(text_of(blobs, attest::kIntermediate)));
  site.add(folder + "/cert_chain", certificate + certificate);  // AMD's second one is the root
  site.add(folder + "/crl", text_of(blobs, attest::kAmdCrl));
  return site;
}

std::string milan_target(const SnpWorld& world) {
  const auto report = value_of(attest::parse_snp_report(world.signed_report()));
  const attest::SnpTcb tcb = attest::decode_tcb(report.reported_tcb, attest::SnpProduct::kMilan);
  return fmt::format("/{}?blSPL={}&teeSPL={}&snpSPL={}&ucodeSPL={}",
                     attest::to_string(report.chip_id), tcb.bootloader, tcb.tee, tcb.snp,
                     tcb.microcode);
}

TEST(FetchEndorsements, OfAnSnpReport) {
  const SnpWorld world;
  Site site = amd(world, "Milan", milan_target(world));
  const Case asked = world.make();
  const auto fetched = value_of(fetch(site, asked));
  EXPECT_EQ(site.asked.size(), 3U);
  EXPECT_TRUE(trusts(asked, fetched));
}

TEST(FetchEndorsements, TurinHasShortChipIdsAndOneComponentMore) {
  const SnpWorld world(attest::SnpProduct::kTurin);
  const auto report = value_of(attest::parse_snp_report(world.signed_report()));
  const attest::SnpTcb tcb = attest::decode_tcb(report.reported_tcb, attest::SnpProduct::kTurin);
  Site site = amd(world, "Turin",
                  fmt::format("/{}?fmcSPL={}&blSPL={}&teeSPL={}&snpSPL={}&ucodeSPL={}",
                              attest::to_string(report.chip_id).substr(0, 16), tcb.fmc,
                              tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode));
  EXPECT_TRUE(fetch(site, world.make()));
}

// Intel's, for a platform with this FMSPC.
Site intel(const Case& asked, const std::string& fmspc) {
  const auto& blobs = asked.endorsements.blobs;
  const bool tdx = asked.evidence.kind == attest::EvidenceKind::kTdx;
  const std::string folder = tdx ? "/tdx/certification/v4" : "/sgx/certification/v4";
  Site site;
  site.add(fmt::format("{}/tcb?fmspc={}", folder, fmspc), text_of(blobs, attest::kTcbInfo),
           "TCB-Info-Issuer-Chain", escaped(text_of(blobs, attest::kTcbInfoChain)));
  site.add(folder + "/qe/identity", text_of(blobs, attest::kQeIdentity),
           "SGX-Enclave-Identity-Issuer-Chain", escaped(text_of(blobs, attest::kQeIdentityChain)));
  site.add("/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
           text_of(blobs, attest::kPckCrl));
  site.add("/root", text_of(blobs, attest::kRootCrl));
  return site;
}

TEST(FetchEndorsements, OfIntelsQuotes) {
  for (const bool tdx : {true, false}) {
    const DcapWorld world(tdx, tdx ? 4 : 3);
    const Case asked = world.make();
    const std::string fmspc = attest::to_string(world.fmspc);
    Site site = intel(asked, fmspc);
    const auto fetched = fetch(site, asked);
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(fetched->blobs.size(), 6U);
    EXPECT_TRUE(trusts(asked, *fetched));
    // What comes beside a body must come, and be what it should.
    auto& with_chain =
        site.answers[fmt::format("/{}/certification/v4/tcb?fmspc={}", tdx ? "tdx" : "sgx", fmspc)];
    with_chain.fields.back().value = "%4";
    expect_error(fetch(site, asked), Kind::kInvalid, "TCB-Info-Issuer-Chain: '%4'");
    with_chain.fields.pop_back();
    expect_error(fetch(site, asked), Kind::kInvalid, "no header TCB-Info-Issuer-Chain");
  }
}

TEST(FetchEndorsements, OfARealQuoteAtItsTime) {
  CLOISTER_NEEDS_SHARED_DATA("tdx/v4-uptodate");
  const Case asked = attest::test::dcap_case("tdx/v4-uptodate", "tdx/v4-uptodate/collateral");
  Site site = intel(asked, "b0c06f000000");
  EXPECT_TRUE(trusts(asked, value_of(fetch(site, asked))));
  Case later = asked;
  later.now = attest::test::time_of("2026-11-23T00:00:00Z");
  expect_error(fetch(site, later), Kind::kRefused, "do not vouch for the evidence: ");
}

TEST(FetchEndorsements, WhatDoesNotVouchIsRefused) {
  const SnpWorld world;
  SnpWorld other;
  other.vek_key = attest::test::ec_key("another chip's", NID_secp384r1);
  Site site = amd(other, "Milan", milan_target(world));
  expect_error(fetch(site, world.make()), Kind::kRefused, "do not vouch for the evidence: ");
  SnpWorld expired;
  expired.crl.to = attest::test::time_of("2026-02-01T00:00:00Z");
  Site old = amd(expired, "Milan", milan_target(expired));
  expect_error(fetch(old, expired.make()), Kind::kRefused, "snp.revocation");
}

TEST(FetchEndorsements, SaysWhyThereAreNone) {
  const SnpWorld world;
  const Case asked = world.make();
  Site empty;
  expect_error(fetch(empty, asked), Kind::kNotFound, "/vcek/v1/Milan/");
  Site busy = amd(world, "Milan", milan_target(world));
  net::Response& crl = busy.answers["/vcek/v1/Milan/crl"];
  crl.status = 429;
  crl.fields.push_back({"Retry-After", "7"});
  expect_error(fetch(busy, asked), Kind::kUnavailable, "status 429, try again in 7 s");
  Site wrong = amd(world, "Milan", milan_target(world));
  wrong.add("/vcek/v1/Milan/crl", "<html>");
  expect_error(fetch(wrong, asked), Kind::kInvalid, "/vcek/v1/Milan/crl: ");
  wrong.add("/vcek/v1/Milan/crl", std::string(attest::kMaxEndorsementBytes + 1, 'a'));
  expect_error(fetch(wrong, asked), Kind::kUnsupported, "/vcek/v1/Milan/crl: ");
}

TEST(FetchEndorsements, ReportsThatDoNotSayWhichProductMadeThem) {
  SnpWorld world;
  attest::test::set_little<uint32_t>(world.report, attest::test::kVersionAt, 2);
  Site site = amd(world, "Milan", milan_target(world));
  expect_error(fetch(site, world.make()), Kind::kUsage, "want milan, genoa or turin");
  EXPECT_TRUE(fetch(site, world.make(), {.product = attest::SnpProduct::kMilan}));
}

TEST(FetchEndorsements, SomeEvidenceHasNone) {
  Site site;
  const SnpWorld vlek(attest::SnpProduct::kMilan, true);
  expect_error(fetch(site, vlek.make()), Kind::kUnsupported, "VLEK");
  Case simulated;
  expect_error(fetch(site, simulated), Kind::kUsage, "simulated evidence");
  Case garbage;
  garbage.evidence = {.kind = attest::EvidenceKind::kTdx, .report = std::vector<std::byte>(100)};
  EXPECT_FALSE(fetch(site, garbage));
  EXPECT_TRUE(site.asked.empty());
}

}  // namespace
}  // namespace cloister::serving
