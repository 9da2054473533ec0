// Every kind of evidence is listed wherever kinds are, and its row fits its evidence.
#include "attest/verify/kinds.h"

#include <fmt/ranges.h>

#include <regex>
#include <set>

#include "base/words.h"
#include "tests/attest/every_kind.h"
#include "tests/attest/expect.h"
#include "tests/support/data.h"
#include "tests/support/result.h"

namespace cloister::attest::test {
namespace {

using cloister::test::data_path;
using cloister::test::expect_error;
using cloister::test::value_of;
using testing::HasSubstr;

std::string docs(const std::string& name) {
  return value_of(read_file(data_path("../../docs/" + name)));
}

// What is in backquotes in the first cells of tables.
std::vector<std::string> table_words(const std::string& text) {
  std::vector<std::string> words;
  static const std::regex kFirstCell("(^|\\n)\\| ((`[^`]+`,? ?)+)\\|"), kWord("`([^`]+)`");
  for (std::sregex_iterator cell(text.begin(), text.end(), kFirstCell), end; cell != end; ++cell) {
    const std::string inside = (*cell)[2];
    for (std::sregex_iterator word(inside.begin(), inside.end(), kWord); word != end; ++word) {
      words.push_back((*word)[1]);
    }
  }
  return words;
}

// The same, with ".chain" after "snp.report" as "snp.chain".
std::set<std::string> documented_checks() {
  std::set<std::string> ids;
  std::string family;
  for (const std::string& word : table_words(docs("formats/trust-policy.md"))) {
    if (!word.starts_with('.')) family = word.substr(0, word.find('.'));
    ids.insert(word.starts_with('.') ? family + word : word);
  }
  return ids;
}

class EveryKind : public testing::TestWithParam<EvidenceKind> {
 protected:
  const KindVerifier& row() const { return *find_verifier(GetParam()); }
  std::string word() const { return std::string(to_string(GetParam())); }
};

TEST_P(EveryKind, HasAWord) {
  EvidenceKind again{};
  ASSERT_TRUE(from_string(word(), again));
  EXPECT_EQ(again, GetParam());
  EXPECT_THAT(kind_class(GetParam()), testing::AnyOf("tee", "tpm", "simulated"));
}

TEST_P(EveryKind, IsInTheDocumentation) {
  EXPECT_THAT(docs("formats/attestation.md"), HasSubstr("`\"" + word() + "\"`"));
  EXPECT_THAT(table_words(docs("formats/trust-policy.md")),
              testing::Contains(std::string(row().field)));
  EXPECT_THAT(table_words(docs("threat-model.md")), testing::Contains(word()));
  const std::set<std::string> documented = documented_checks();
  for (const Check& check : example_of(GetParam()).verify().checks) {
    EXPECT_TRUE(documented.contains(check.id))
        << "docs/formats/trust-policy.md does not list " << check.id;
  }
}

TEST_P(EveryKind, IsAcceptedByItsFieldAlone) {
  const Case c = example_of(GetParam());
  ASSERT_EQ(c.evidence.kind, GetParam());
  expect_trusted(c);
  EXPECT_TRUE(check_policy(c.policy)) << "attest/policy.cpp does not know its field";
  for (const EvidenceKind other : kEvidenceKinds) {
    EXPECT_EQ(accepts(c.policy, other), other == GetParam());
  }
  const std::string json = policy_json(c.policy);
  EXPECT_THAT(json, HasSubstr(fmt::format("\"{}\"", row().field)));
  EXPECT_TRUE(accepts(value_of(parse_policy(json)), GetParam()))
      << "attest/policy_fields.h does not know its field";
}

// All that can be judged is, each check once.
TEST_P(EveryKind, IsJudgedUnderAPolicyWithoutIt) {
  Case c = example_of(GetParam());
  const Verdict accepted = c.verify();
  c.policy = {};
  const Verdict verdict = c.verify();
  EXPECT_FALSE(verdict.trusted);
  EXPECT_EQ(find_check(verdict, "policy.kind").outcome, Outcome::kFail);
  EXPECT_EQ(find_check(verdict, "policy.kind").field, row().field);
  std::set<std::string> ids;
  ASSERT_EQ(verdict.checks.size(), accepted.checks.size());
  for (size_t i = 0; i < verdict.checks.size(); ++i) {
    EXPECT_EQ(verdict.checks[i].id, accepted.checks[i].id);
    EXPECT_FALSE(verdict.checks[i].why.empty()) << verdict.checks[i].id;
    EXPECT_TRUE(ids.insert(verdict.checks[i].id).second) << verdict.checks[i].id;
  }
}

TEST_P(EveryKind, IsGuessedByItsBytes) {
  EXPECT_EQ(value_of(guess_kind(example_of(GetParam()).evidence.report)), GetParam());
}

TEST_P(EveryKind, HasSourcesOfItsEndorsements) {
  const Case c = example_of(GetParam());
  const auto sources = endorsement_sources(c.evidence, {}, std::nullopt);
  if (row().sources == nullptr) {
    EXPECT_TRUE(c.endorsements.blobs.empty());
    expect_error(sources, Kind::kUsage, word() + " evidence has no vendor endorsements");
    return;
  }
  std::set<std::string_view> found, wanted;
  for (const EndorsementSource& source : value_of(sources)) {
    found.insert(source.blob);
    if (!source.chain_blob.empty()) found.insert(source.chain_blob);
  }
  for (const Blob& blob : c.endorsements.blobs) wanted.insert(blob.name);
  EXPECT_EQ(found, wanted);
}

INSTANTIATE_TEST_SUITE_P(All, EveryKind, testing::ValuesIn(kEvidenceKinds),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(Kinds, AllAreInTheHelp) {
  std::vector<std::string> words;
  for (const EvidenceKind kind : kEvidenceKinds) words.emplace_back(to_string(kind));
  const std::string help = std::regex_replace(value_of(read_file(data_path("help/verify.txt"))),
                                              std::regex("\\s+"), " ");
  EXPECT_THAT(help, HasSubstr("--kind KIND for a bare report: " + or_text(words) + ";"));
}

// Numbers on the wire, so that a new kind is not put between others.
TEST(Kinds, AreNumberedFromOne) {
  for (size_t i = 0; i < kEvidenceKinds.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kEvidenceKinds[i]), i + 1);
  }
  EXPECT_EQ(find_verifier(static_cast<EvidenceKind>(0)), nullptr);
  EXPECT_EQ(find_verifier(static_cast<EvidenceKind>(kEvidenceKinds.size() + 1)), nullptr);
  EXPECT_FALSE(accepts({}, static_cast<EvidenceKind>(99)));
}

TEST(Kinds, OtherBytesAreNone) {
  for (const char* text : {"", "x", "{\"a\": 1}"}) {
    expect_error(guess_kind(as_bytes(std::string_view(text))), Kind::kInvalid, "not evidence");
  }
}

}  // namespace
}  // namespace cloister::attest::test
