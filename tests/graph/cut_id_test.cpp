#include "graph/cut_id.h"

#include <map>

#include "base/sha256.h"
#include "tests/support/graphs.h"
#include "tests/support/random_dag.h"

namespace cloister {
namespace {

using test::add_chain;
using test::expect_error;
using test::Names;
using test::names_of;
using test::TestGraph;
using test::value_of;
using testing::MatchesRegex;

TEST(CutIds, DependOnTheTensorsOnly) {
  const auto proto = test::RandomDag(5).make(30);
  const Graph graph = value_of(build_graph(value_of(make_model(proto))));
  std::map<Names, std::string> ids;
  for (const size_t max_tensors : {1000, 3, 1}) {
    for (const Cut& cut : list_cuts(graph, {.max_tensors = max_tensors}).cuts) {
      EXPECT_THAT(cut.id, MatchesRegex("c[0-9a-f]+"));
      const auto [known, is_new] = ids.emplace(names_of(graph, cut.tensors), cut.id);
      EXPECT_EQ(known->second, cut.id);
      EXPECT_EQ(is_new, max_tensors == 1000);
    }
  }
  EXPECT_GT(ids.size(), 10U);
}

// Two names whose one-tensor cuts have ids that start alike.
std::pair<std::string, std::string> colliding_names() {
  std::map<std::string, std::string> seen;
  for (int i = 0;; ++i) {
    const std::string name = "t" + std::to_string(i);
    Sha256 hash;
    hash.update(as_bytes(name));
    hash.update(as_bytes(std::string_view("\0", 1)));
    const auto [known, is_new] = seen.emplace(to_hex(hash.finish()).substr(0, 6), name);
    if (!is_new) return {known->second, name};
  }
}

TEST(CutIds, AreLongerWhereTheyWouldCollide) {
  const auto [one, other] = colliding_names();
  TestGraph b;
  b.f32("x");
  add_chain(b, "x", {one, "between", other, "y"});
  b.outputs({"y"});
  const Graph graph = b.build();
  CutList list = list_cuts(graph);
  ASSERT_EQ(list.cuts.size(), 3U);
  const Cut first = list.cuts[0];
  const Cut last = list.cuts[2];
  EXPECT_EQ(first.id.substr(0, 7), last.id.substr(0, 7));
  EXPECT_NE(first.id, last.id);
  // Neither may be taken for the other.
  EXPECT_GT(first.id.size(), 7U);
  EXPECT_GT(last.id.size(), 7U);
  EXPECT_EQ(list.cuts[1].id.size(), 7U);
  expect_error(find_cut(graph, list, first.id.substr(0, 7)), Kind::kUsage,
               "several cuts start with");
  EXPECT_EQ(value_of(find_cut(graph, list, first.id)).position, first.position);
  EXPECT_EQ(value_of(find_cut(graph, list, last.id)).position, last.position);
  // An id stays good in a list where nothing collides with it.
  list.cuts.erase(list.cuts.begin());
  list.cuts[1].id.resize(7);
  EXPECT_EQ(value_of(find_cut(graph, list, last.id)).position, last.position);
  expect_error(find_cut(graph, list, first.id), Kind::kUsage, "no cut");
}

}  // namespace
}  // namespace cloister
