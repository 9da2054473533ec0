// Real models: two segments give what the whole model gives, wherever it is cut.
#include "tests/engine/real_models.h"

#include <gmock/gmock.h>

#include <iostream>

#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "engine/random_inputs.h"
#include "engine/segments.h"

namespace cloister {
namespace {

// Segments may compute in another order than the whole: fusions end at a cut.
constexpr double kTolerance = 1e-5;

class RealModel : public ::testing::TestWithParam<const char*> {};

const Cut* nearest_wide_cut(const CutList& list, double share) {
  const Cut* best = nullptr;
  const auto distance = [&](const Cut& cut) { return std::abs(list.macs_share(cut) - share); };
  for (const Cut& cut : list.cuts) {
    if (cut.is_single()) continue;
    if (best == nullptr || distance(cut) < distance(*best)) best = &cut;
  }
  return best;
}

// Single-tensor cuts at 10, 50 and 90 % of the MACs, wider ones at 30 and 70 % where there are any.
std::vector<Cut> five_cuts(const CutList& list) {
  std::vector<Cut> cuts;
  const auto add = [&](const Cut* cut, const Cut* otherwise) {
    if (cut == nullptr) cut = otherwise;
    if (cut != nullptr) cuts.push_back(*cut);
  };
  for (const double share : {0.1, 0.5, 0.9}) add(nearest_cut(list, share), nullptr);
  for (const double share : {0.3, 0.7}) {
    add(nearest_wide_cut(list, share), nearest_cut(list, share));
  }
  return cuts;
}

TEST_P(RealModel, SegmentsGiveWhatTheWholeGives) {
  const fs::path packed = test::packed_model(GetParam());
  if (!fs::exists(packed)) GTEST_SKIP() << "no " << packed;
  const auto path = test::unpack(packed);
  ASSERT_TRUE(path) << path.error().message;
  auto model = read_model(*path);
  ASSERT_TRUE(model) << model.error().message;
  auto graph = build_graph(*model);
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_TRUE(infer_types(*graph, onnxruntime_probe()));
  const CutList list = list_cuts(*graph);
  EXPECT_GT(list.cuts.size(), 20u);
  EXPECT_TRUE(list.macs_known);

  const auto engine = *make_onnxruntime();
  const auto whole = load_cut_model(*engine, *graph);
  ASSERT_TRUE(whole) << whole.error().message;
  const auto inputs = random_inputs(whole->segments[0]->inputs(), 1, 1);
  ASSERT_TRUE(inputs) << inputs.error().message;
  const auto want = whole->run(*inputs);
  ASSERT_TRUE(want) << want.error().message;

  const std::vector<Cut> cuts = five_cuts(list);
  EXPECT_EQ(cuts.size(), 5u);
  for (const Cut& cut : cuts) {
    const auto segments = load_cut_model(*engine, *graph, {cut});
    ASSERT_TRUE(segments) << cut.id << ": " << segments.error().message;
    const auto got = segments->run(*inputs);
    ASSERT_TRUE(got) << cut.id << ": " << got.error().message;
    const auto apart = compare_outputs(*got, *want);
    ASSERT_TRUE(apart) << cut.id << ": " << apart.error().message;
    std::cout << fmt::format(
        "{} cut {} at {:.0f} % of the MACs, {} tensors: {}\n", GetParam(), cut.id,
        100 * list.macs_share(cut), cut.tensors.size(),
        apart->identical ? "identical" : fmt::format("{:.1e} apart", apart->relative()));
    EXPECT_LE(apart->relative(), kTolerance) << cut.id;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RealModel, ::testing::ValuesIn(test::kRealModels),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace cloister
