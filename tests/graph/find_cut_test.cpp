#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::add_chain;
using test::expect_error;
using test::names_of;
using test::TestGraph;
using test::value_of;

class FindCut : public testing::Test {
 protected:
  FindCut() {
    TestGraph b;
    b.f32("x");
    add_chain(b, "x", {"stem", "left", "right"});
    b.op("joined", "Add", {"left", "right"});
    add_chain(b, "joined", {"tail", "y"});
    b.outputs({"y"});
    graph_ = b.build();
    list_ = list_cuts(graph_);
    // Shares of the work: 20, 40 and so on.
    uint64_t done = 0;
    for (Cut& cut : list_.cuts) cut.macs_before = done += 20;
    list_.total_macs = 100;
  }

  std::string find(const std::string& text) {
    const auto cut = find_cut(graph_, list_, text);
    return cut ? testing::PrintToString(names_of(graph_, cut->tensors)) : cut.error().message;
  }

  Graph graph_;
  CutList list_;
};

TEST_F(FindCut, ByIdPrefixNameAndShare) {
  ASSERT_EQ(list_.cuts.size(), 5U);
  EXPECT_EQ(find(list_.cuts[0].id), R"({ "stem" })");
  EXPECT_EQ(find(list_.cuts[2].id.substr(0, 5)), R"({ "left", "right" })");
  EXPECT_EQ(find("stem"), R"({ "stem" })");
  EXPECT_EQ(find("left,right"), R"({ "left", "right" })");
  EXPECT_EQ(find("0%"), R"({ "stem" })");
  EXPECT_EQ(find("70%"), R"({ "joined" })");
  EXPECT_EQ(find("99.5%"), R"({ "tail" })");
}

TEST_F(FindCut, SaysWhatWasMeant) {
  expect_error(find_cut(graph_, list_, "stam"), Kind::kUsage, "no cut 'stam'; nearest: stem");
  expect_error(find_cut(graph_, list_, "right"), Kind::kUsage, "no cut 'right'; nearest: ");
  expect_error(find_cut(graph_, list_, ""), Kind::kUsage, "no cut ''");
  expect_error(find_cut(graph_, list_, "c"), Kind::kUsage, "no cut 'c'");
  expect_error(find_cut(graph_, list_, "a\x1b[2J"), Kind::kUsage, "no cut 'a\\x1b[2J'");
  for (const char* share : {"101%", "-1%", "%", "nan%", "inf%", "4 0%", "40 %", "0x10%"}) {
    expect_error(find_cut(graph_, list_, share), Kind::kUsage, std::string("no cut '") + share);
  }
  expect_error(find_cut(graph_, {}, "stem"), Kind::kUsage, "no cut 'stem': the model has none");
  expect_error(find_cut(graph_, {}, "40%"), Kind::kUsage, "no cut to choose '40%' from");
}

TEST_F(FindCut, SharesSkipWhatIsExposed) {
  list_.cuts[0].exposed_by_construction = "carries input 'x'";
  EXPECT_EQ(find("0%"), R"({ "left" })");
  EXPECT_EQ(find("stem"), R"({ "stem" })");
}

}  // namespace
}  // namespace cloister
