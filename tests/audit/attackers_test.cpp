// Every attacker is told of wherever attackers are listed.
#include "audit/attackers.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "audit/verdict.h"
#include "tests/support/data.h"

namespace cloister::audit {
namespace {

using ::testing::EndsWith;
using ::testing::Not;

std::string text_of(const fs::path& file) {
  const auto text = read_file(file);
  EXPECT_TRUE(text) << file;
  return text.value_or("");
}

TEST(Attackers, EachIsInTheDocumentation) {
  const std::string docs = text_of(cloister::test::data_path("../../docs/audit.md"));
  for (const AttackerInfo& info : kAttackers) {
    EXPECT_TRUE(docs.contains(fmt::format("\n| `{}` | ", info.name)))
        << "docs/audit.md has no line for " << info.name;
  }
}

TEST(Attackers, AllAreInTheHelp) {
  const std::string help = std::regex_replace(text_of(cloister::test::data_path("help/audit.txt")),
                                              std::regex("\\s+"), " ");
  EXPECT_TRUE(help.contains(
      fmt::format("--attackers LIST some of {} (all)", fmt::join(attacker_names(), ", "))))
      << "tests/data/help/audit.txt has other attackers";
}

TEST(Attackers, EachHasWordsForTheReport) {
  std::set<std::string_view> meanings;
  for (const AttackerInfo& info : kAttackers) {
    EXPECT_EQ(attacker_meaning(info.name), info.meaning);
    meanings.insert(info.meaning);
  }
  for (const BaselineInfo& info : kBaselines) {
    EXPECT_EQ(attacker_meaning(info.name), info.meaning);
    EXPECT_EQ(find_attacker(info.name), nullptr) << "a name for two things";
    meanings.insert(info.meaning);
  }
  EXPECT_EQ(meanings.size(), kAttackers.size() + kBaselines.size());
  for (const std::string_view meaning : meanings) {
    EXPECT_GT(meaning.size(), 10u);
    EXPECT_THAT(std::string(meaning), Not(EndsWith(".")));
  }
  EXPECT_EQ(attacker_meaning("cgam"), "");
}

TEST(Attackers, EachIsFoundByItsNameAlone) {
  EXPECT_EQ(attacker_names().size(), kAttackers.size());
  for (const AttackerInfo& info : kAttackers) {
    EXPECT_EQ(find_attacker(info.name), &info);
    EXPECT_EQ(known_attacker(info.name).value_or(nullptr), &info);
    EXPECT_GT(info.length, 0);
  }
  EXPECT_EQ(find_attacker("cgam"), nullptr);
  const auto unknown = known_attacker("cgam");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, Kind::kUsage);
  EXPECT_EQ(unknown.error().message, "no attacker 'cgam'; nearest: cgan");
}

TEST(Attackers, OneStartsFromAnEarlierOne) {
  for (const AttackerInfo& info : kAttackers) {
    if (info.start.empty()) continue;
    const AttackerInfo* first = find_attacker(info.start);
    ASSERT_NE(first, nullptr) << info.start;
    EXPECT_LT(first, &info);
  }
}

// Controls and gates need scores of all inputs.
TEST(Attackers, ControlsAreNotSubsampled) {
  for (const AttackerInfo& info : kAttackers) {
    EXPECT_FALSE(info.subsampled && (info.learns || info.rebuilds || info.gains)) << info.name;
    EXPECT_FALSE((info.rebuilds || info.gains) && !info.learns) << info.name;
  }
}

TEST(Attackers, TheDefaultPolicyAsksForSomeOfThem) {
  for (const std::string& name : Policy().attackers) EXPECT_TRUE(known_attacker(name)) << name;
}

}  // namespace
}  // namespace cloister::audit
