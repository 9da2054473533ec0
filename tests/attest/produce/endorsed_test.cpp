#include "attest/produce/endorsed.h"

#include "base/file.h"
#include "tests/attest/authority.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::TempDir;
using cloister::test::value_of;

// Shows what the test says.
class Stub : public Attester {
 public:
  explicit Stub(Result<AttestedEvidence> shown) : shown_(std::move(shown)) {}
  EvidenceKind kind() const override { return EvidenceKind::kSnp; }
  std::string source() const override { return "stub"; }
  Result<AttestedEvidence> produce(const Fixed<64>&) override { return shown_; }

 private:
  Result<AttestedEvidence> shown_;
};

Result<std::unique_ptr<Attester>> endorsed(Result<AttestedEvidence> shown, const fs::path& folder) {
  return with_endorsements(std::make_unique<Stub>(std::move(shown)), folder);
}

AttestedEvidence snp(std::vector<Blob> blobs = {}) {
  return {{.kind = EvidenceKind::kSnp, .report = bytes_of("report")}, {std::move(blobs)}};
}

class EndorsedTest : public testing::Test {
 protected:
  void put_file(const std::string& name, const std::string& content) {
    ASSERT_TRUE(write_file(dir / name, content));
  }
  std::string names_shown(const AttestedEvidence& given) {
    std::string all;
    const AttestedEvidence shown = value_of(value_of(endorsed(given, dir.path()))->produce({}));
    for (const Blob& blob : shown.endorsements.blobs) {
      all += fmt::format("{}={} ", blob.name, as_text(blob.bytes));
    }
    return all;
  }
  const TempDir dir;
};

TEST_F(EndorsedTest, FilesAreBlobsByTheirStem) {
  put_file("vek.der", "v");
  put_file("amd_crl", "c");
  put_file(".hidden", "x");
  EXPECT_EQ(names_shown(snp()), "amd_crl=c vek=v ");
}

TEST_F(EndorsedTest, WhatTheEnvironmentGivesComesFirst) {
  put_file("vek.pem", "the file's");
  put_file("intermediate.pem", "i");
  EXPECT_EQ(names_shown(snp({{std::string(kVek), bytes_of("its own")}})),
            "vek=its own intermediate=i ");
}

TEST_F(EndorsedTest, FilesAreReadEachTime) {
  put_file("amd_crl.der", "old");
  const auto producer = value_of(endorsed(snp(), dir.path()));
  EXPECT_EQ(as_text(value_of(producer->produce({})).endorsements.blobs.at(0).bytes), "old");
  put_file("amd_crl.der", "new");
  EXPECT_EQ(as_text(value_of(producer->produce({})).endorsements.blobs.at(0).bytes), "new");
  fs::remove(dir / "amd_crl.der");
  EXPECT_TRUE(value_of(producer->produce({})).endorsements.blobs.empty());
}

TEST_F(EndorsedTest, RefusesWhatItDoesNotKnow) {
  put_file("vcek.der", "v");
  expect_error(endorsed(snp(), dir.path()), Kind::kInvalid,
               "endorsement 'vcek', want vek, intermediate, amd_crl");
  fs::rename(dir / "vcek.der", dir / "vek.der");
  put_file("vek.pem", "v");
  expect_error(endorsed(snp(), dir.path()), Kind::kInvalid, "'vek' occurs twice");
  fs::remove(dir / "vek.pem");
  fs::create_directory(dir / "intermediate");
  expect_error(endorsed(snp(), dir.path()), Kind::kIo, "not a regular file");
}

TEST_F(EndorsedTest, BoundsWhatItReads) {
  put_file("vek.der", std::string((256 << 10) + 1, 'x'));
  EXPECT_FALSE(endorsed(snp(), dir.path()));
  put_file("vek.der", std::string(200 << 10, 'x'));
  put_file("amd_crl.der", std::string(100 << 10, 'x'));
  expect_error(endorsed(snp(), dir.path()), Kind::kInvalid, "want at most 262144");
}

TEST_F(EndorsedTest, TheFolderHasToBeThere) {
  expect_error(endorsed(snp(), dir / "nothing"), Kind::kNotFound, "endorsements in '");
  const auto producer = value_of(endorsed(snp(), dir.path()));
  fs::remove_all(dir.path());
  EXPECT_FALSE(producer->produce({}));
}

TEST_F(EndorsedTest, KeepsWhatProducersPromise) {
  const auto gone = fail(Kind::kNotFound, "the driver is gone");
  expect_error(value_of(endorsed(gone, ""))->produce({}), Kind::kUnavailable,
               "stub: the driver is gone");
  AttestedEvidence strange = snp();
  strange.evidence.parts.push_back({"td_quote", {}});
  expect_error(value_of(endorsed(strange, ""))->produce({}), Kind::kInvalid,
               "stub: evidence 'td_quote', want none");
}

}  // namespace
}  // namespace cloister::attest::test
