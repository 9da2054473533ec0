#include "attest/produce/certificate_table.h"

#include "tests/attest/produce/host_table.h"
#include "tests/support/result.h"

namespace cloister::attest::test {
namespace {

using cloister::test::expect_error;
using cloister::test::value_of;

std::vector<std::byte> certificate(const std::string& name) {
  const Key key = ec_key(name, 415);
  return make_certificate({.subject = name, .issuer = name, .key = key.get(), .signer = key.get()});
}

std::string names(const std::vector<Blob>& blobs) {
  std::string all;
  for (const Blob& blob : blobs) all += blob.name + " ";
  return all;
}

const std::string kVcek{kVcekGuid}, kVlek{kVlekGuid}, kAsk{kAskGuid}, kArk{kArkGuid};

TEST(CertificateTable, GivesWhatVouchesForTheReport) {
  const auto vcek = certificate("vcek"), vlek = certificate("vlek"), ask = certificate("ask");
  const auto table =
      make_table({{kArk, certificate("ark")}, {kVlek, vlek}, {kAsk, ask}, {kVcek, vcek}});
  const auto by_vcek = value_of(parse_certificate_table(table, SnpSigner::kVcek));
  EXPECT_EQ(names(by_vcek), "intermediate vek ");
  EXPECT_EQ(by_vcek[0].bytes, ask);
  EXPECT_EQ(by_vcek[1].bytes, vcek);
  const auto by_vlek = value_of(parse_certificate_table(table, SnpSigner::kVlek));
  EXPECT_EQ(names(by_vlek), "vek intermediate ");
  EXPECT_EQ(by_vlek[0].bytes, vlek);
  EXPECT_EQ(names(value_of(parse_certificate_table(table, SnpSigner::kNone))), "");
}

TEST(CertificateTable, TakesPemAsWell) {
  const auto text = pem("CERTIFICATE", certificate("vcek"));
  const auto blobs =
      value_of(parse_certificate_table(make_table({{kVcek, bytes_of(text)}}), SnpSigner::kVcek));
  ASSERT_EQ(names(blobs), "vek ");
  EXPECT_EQ(as_text(blobs[0].bytes), text);
}

TEST(CertificateTable, MayBeEmpty) {
  EXPECT_EQ(names(value_of(parse_certificate_table({}, SnpSigner::kVcek))), "");
  const std::vector<std::byte> zeros(16 << 10);
  EXPECT_EQ(names(value_of(parse_certificate_table(zeros, SnpSigner::kVcek))), "");
}

// An entry of a table of 64 bytes, with its certificate elsewhere.
std::vector<std::byte> entry_at(uint32_t offset, uint32_t length) {
  std::vector<std::byte> table = make_table({{kVcek, {}}});
  table.resize(64);
  set_little(table, 16, offset);
  set_little(table, 20, length);
  return table;
}

TEST(CertificateTable, EntriesLieInsideIt) {
  const auto parse = [](uint32_t offset, uint32_t length) {
    return parse_certificate_table(entry_at(offset, length), SnpSigner::kVcek);
  };
  expect_error(parse(48, 17), Kind::kInvalid, "VCEK: 17 bytes at 48, in a table of 64");
  expect_error(parse(65, 0), Kind::kInvalid, "VCEK: 0 bytes at 65");
  expect_error(parse(0xffffffff, 0xffffffff), Kind::kInvalid, "4294967295 bytes at 4294967295");
  expect_error(parse(48, 16), Kind::kInvalid, "VCEK: ");  // no certificate
  expect_error(parse(64, 0), Kind::kInvalid, "VCEK: ");
}

TEST(CertificateTable, RefusesWhatIsAmbiguousOrCutOff) {
  const auto vcek = certificate("vcek");
  expect_error(
      parse_certificate_table(make_table({{kVcek, vcek}, {kVcek, vcek}}), SnpSigner::kVcek),
      Kind::kInvalid, "VCEK occurs twice");
  const auto table = make_table({{kArk, {}}});
  for (size_t size = 1; size < 48; ++size) {
    EXPECT_FALSE(parse_certificate_table(Bytes(table).first(size), SnpSigner::kVcek)) << size;
  }
  expect_error(parse_certificate_table(Bytes(table).first(24), SnpSigner::kVcek), Kind::kInvalid,
               "no entry that ends the table");
}

}  // namespace
}  // namespace cloister::attest::test
