// `cloister verify` on files: real evidence of others, and what is none. URLs: attested_test.cpp.
#include <nlohmann/json.hpp>

#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::Arguments;
using testing::HasSubstr;
using Json = nlohmann::json;

class Verify : public test::CloisterTest {
 protected:
  static fs::path evidence(const std::string& name) { return fs::path(CLOISTER_EVIDENCE) / name; }

  // A real report of a Genoa chip, whose report data are zeros.
  Arguments genoa(const std::string& report) const {
    return {"verify",        report,
            "--policy",      "policy.json",
            "--with",        "vek=" + evidence("snp/genoa-v3-microsoft/vcek.der").string(),
            "--with",        "intermediate=" + evidence("snp/roots/genoa/ask.pem").string(),
            "--report-data", std::string(128, '0'),
            "--time",        "2026-03-20T10:58:51Z"};
  }
  void write_policy(const std::string& measurement) {
    const Json policy = {
        {"schema", "cloister/trust-policy/1"},
        {"tee",
         {{"snp",
           {{"measurements", {measurement}},
            {"min_tcb",
             {{"genoa", {{"bootloader", 10}, {"tee", 0}, {"snp", 23}, {"microcode", 84}}}}},
            {"accept_without_crl", true}}}}},
        {"bundle", {{"accept_any_signer", true}}},
        {"audit", {{"accept_unaudited", true}}}};
    ASSERT_TRUE(write_file(dir_ / "policy.json", policy.dump()));
  }
  std::string failed(const Arguments& arguments) {
    Arguments all = arguments;
    all.emplace_back("--json");
    const auto finished = run(all);
    EXPECT_EQ(finished.code, 3) << finished.err;
    const Json report = Json::parse(finished.out);
    std::string ids;
    for (const Json& check : report["checks"]) {
      if (check["outcome"] == "fail") ids += check["id"].get<std::string>() + " ";
    }
    return ids;
  }
};

constexpr const char* kMeasurement =
    "5feee30d6d7e1a29f403d70a4198237ddfb13051a2d6976439487c609388ed7f98189887920ab2fa0096903a0c23fc"
    "a1";

TEST_F(Verify, ARealReport) {
  const fs::path report = evidence("snp/genoa-v3-microsoft/report.bin");
  if (!fs::exists(report)) GTEST_SKIP() << "no " << report << " here";
  write_policy(kMeasurement);
  const std::string text = done(genoa(report.string()));
  EXPECT_THAT(text, HasSubstr("✓ snp.signature"));
  EXPECT_THAT(text, HasSubstr("\nTRUSTED: "));
  const Json json = Json::parse([&] {
    Arguments arguments = genoa(report.string());
    arguments.emplace_back("--json");
    return done(arguments);
  }());
  EXPECT_EQ(json["trusted"], true);
  EXPECT_EQ(json["claims"]["measurement"], kMeasurement);
  EXPECT_EQ(json["claims"]["product"], "genoa");

  // Each of these alone is enough to refuse it.
  std::string altered = read_file(report).value();
  altered[0x90] ^= 1;  // the measurement
  ASSERT_TRUE(write_file(dir_ / "altered.bin", altered));
  EXPECT_EQ(failed(genoa("altered.bin")), "snp.signature snp.measurement ");
  Arguments late = genoa(report.string());
  late.back() = "2046-03-20T10:58:51Z";
  EXPECT_THAT(failed(late), HasSubstr("snp.chain "));
  Arguments other = genoa(report.string());
  other[9] = std::string(128, 'a');
  EXPECT_EQ(failed(other), "snp.report_data ");
  write_policy(std::string(96, 'a'));
  EXPECT_EQ(failed(genoa(report.string())), "snp.measurement ");
}

TEST_F(Verify, WithoutAPolicyNothingIsAcceptedAndEverythingShown) {
  const fs::path report = evidence("snp/genoa-v3-microsoft/report.bin");
  if (!fs::exists(report)) GTEST_SKIP() << "no " << report << " here";
  Arguments arguments = genoa(report.string());
  arguments.erase(arguments.begin() + 2, arguments.begin() + 4);
  const auto finished = run(arguments);
  EXPECT_EQ(finished.code, 3) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("✗ policy.kind"));
  EXPECT_THAT(finished.out, HasSubstr("✓ snp.chain"));
  EXPECT_THAT(finished.out, HasSubstr("NOT TRUSTED: "));
}

TEST_F(Verify, WhatIsNoEvidence) {
  ASSERT_TRUE(write_file(dir_ / "garbage.bin", "what is this"));
  fails({"verify", "garbage.bin"}, 1, "12 bytes that are not evidence of a known kind");
  ASSERT_TRUE(write_file(dir_ / "garbage.json", "{}"));
  fails({"verify", "garbage.json"}, 1, "schema");
  fails({"verify", "nothing.bin"}, 1, "nothing.bin");
  EXPECT_THAT(failed({"verify", "garbage.bin", "--kind", "snp"}), HasSubstr("snp.report "));
}

TEST_F(Verify, UsageThatMeansNothing) {
  ASSERT_TRUE(write_file(dir_ / "report.bin", std::string("\x02\0\0\0", 4) + std::string(1180, 0)));
  fails({"verify", "report.bin", "--with", "vek"}, 2, "want NAME=FILE");
  fails({"verify", "report.bin", "--report-data", "xyz"}, 2, "--report-data");
  fails({"verify", "report.bin", "--kind", "sev"}, 1, "evidence 'sev', want snp");
  fails({"verify", "report.bin", "--save", "s.json"}, 2, "a whole exchange");
  fails({"verify", "https://127.0.0.1:1", "--time", "2026-03-20T10:58:51Z"}, 2, "are for files");
  fails({"verify", "http://127.0.0.1:1"}, 2, "https://");
  fails({"verify", "https://127.0.0.1:1", "--timeout", "2"}, 1, "127.0.0.1");
}

}  // namespace
}  // namespace cloister
