// Small models with what real ones from 37 repositories had, and what is right about them.
#include "engine/probe.h"
#include "graph/cost.h"
#include "graph/cut_id.h"
#include "graph/extract.h"
#include "graph/map_outputs.h"
#include "tests/support/data.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::cut_names;
using test::expect_error;
using test::Names;
using test::value_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Opened {
  Graph graph;
  CutList cuts;
};

Opened open(const std::string& name, const TypeOptions& types = {},
            const Names& public_inputs = {}) {
  Graph graph =
      value_of(build_graph(value_of(read_model(test::data_path("wild/" + name + ".onnx")))));
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe(), types));
  CutOptions options;
  options.exposure.run = onnxruntime_piece_runner();
  for (const std::string& input : public_inputs) {
    options.exposure.public_inputs.insert(graph.ids.at(input));
  }
  CutList cuts = list_cuts(graph, options);
  return {std::move(graph), std::move(cuts)};
}

std::string type(const Opened& model, const std::string& name) {
  return model.graph.find(name)->type.text();
}

Names exposed(const Opened& model) {
  Names names;
  for (const Cut& cut : model.cuts.cuts) {
    if (!cut.exposed_by_construction.empty()) names.push_back(tensor_names(model.graph, cut));
  }
  return names;
}

const Cut& cut_at(const Opened& model, const std::string& tensors) {
  for (const Cut& cut : model.cuts.cuts) {
    if (tensor_names(model.graph, cut) == tensors) return cut;
  }
  throw std::runtime_error("no cut at " + tensors);
}

TEST(Wild, KnownFunctionsOfEachElementAreMarked) {
  for (const char* name : {"clip", "sigmoid", "sum", "depthwise_1x1", "scatter"}) {
    SCOPED_TRACE(name);
    const Opened model = open(name);
    EXPECT_THAT(exposed(model), ElementsAre("p"));
    EXPECT_EQ(cut_at(model, "p").exposed_by_construction,
              "carries 'p', a rearrangement or recoding of input 'x'");
    const auto chosen = find_cut(model.graph, model.cuts, "0%");
    ASSERT_TRUE(chosen);
    EXPECT_EQ(tensor_names(model.graph, *chosen), "c2");  // the deepest of equals
  }
}

TEST(Wild, AQuantisedInputIsMarkedAndItsScaleIsNot) {
  EXPECT_THAT(exposed(open("dynamic_int8")), ElementsAre("xq,xs,xz", "xq,xz,sc1"));
}

TEST(Wild, ATextIsMarkedUntilItsTokensMix) {
  const Opened model = open("encoder");
  const Names names = exposed(model);
  EXPECT_THAT(names, testing::IsSupersetOf({"e", "ep", "h0", "h0,l0_qm"}));
  // The sum of what attention makes and the vectors that it is of.
  EXPECT_EQ(cut_at(model, "l0_r1").exposed_by_construction, "");
  EXPECT_THAT(names, testing::Not(testing::Contains("h1")));
}

TEST(Wild, APublicMaskMarksNothing) {
  const Opened secret = open("encoder_with_mask");
  EXPECT_EQ(cut_at(secret, "m4,l0_r1").exposed_by_construction,
            "carries 'm4', a rearrangement or recoding of input 'mask'");
  EXPECT_EQ(cut_at(secret, "e,m4").exposed_by_construction,
            "carries 'e', a rearrangement or recoding of input 'ids'; 'm4', a rearrangement or "
            "recoding of input 'mask'");
  const Opened model = open("encoder_with_mask", {}, {"mask"});
  EXPECT_EQ(cut_at(model, "m4,l0_r1").exposed_by_construction, "");
  EXPECT_EQ(cut_at(model, "m4,ep").exposed_by_construction,
            "carries 'ep', a rearrangement or recoding of input 'ids'");
  // What the mask alone decides does not count beside the one tensor that crosses.
  EXPECT_TRUE(cut_at(model, "m4,l0_r1").is_single());
  EXPECT_FALSE(cut_at(secret, "m4,l0_r1").is_single());
  EXPECT_FALSE(cut_at(model, "m4,l0_n1,l0_f1m").is_single());
  const Cut* const half = nearest_cut(model.cuts, 0.5);
  ASSERT_NE(half, nullptr);
  EXPECT_NEAR(model.cuts.macs_share(*half), 0.5, 0.1);
}

TEST(Wild, ABodyThatEndsBeforeItsUseDoesNotGetALateInput) {
  const Opened model = open("late_scale");
  EXPECT_THAT(exposed(model), SizeIs(6));
  const Cut& first = cut_at(model, "scale,b");
  const Cut& last = cut_at(model, "scale,boxes");
  EXPECT_EQ(first.exposed_to, last.position);
}

TEST(Wild, WhatOnlyNeedsEarlyTensorsIsInTheHead) {
  const Opened model = open("policy");
  EXPECT_THAT(cut_names(model.graph, model.cuts),
              ElementsAre(Names{"obs"}, Names{"a"}, Names{"b"}, Names{"c"}, Names{"d"}));
  EXPECT_THAT(exposed(model), ElementsAre("obs"));
}

TEST(Wild, ACustomOperatorDoesNotUntypeTheRest) {
  const Opened last = open("custom_last");
  EXPECT_EQ(type(last, "a"), "f32[N,8,16,16]");
  EXPECT_THAT(last.cuts.cuts, SizeIs(6));
  EXPECT_EQ(last.cuts.total_macs, 202784U);
  EXPECT_FALSE(last.cuts.macs_known);
  const Opened between = open("custom_between");
  EXPECT_THAT(cut_names(between.graph, between.cuts),
              ElementsAre(Names{"a"}, Names{"b"}, Names{"c"}, Names{"d"}, Names{"e"}));
  for (const Opened* model : {&last, &between}) {
    for (const Cut& cut : model->cuts.cuts) EXPECT_TRUE(split(model->graph, {cut}));
  }
  expect_error(find_cut(last.graph, last.cuts, "40%"), Kind::kUsage,
               "'40%' is a share of the MACs, and those of ");
}

TEST(Wild, ASequenceDoesNotUntypeTheRest) {
  const Opened model = open("sequence_in_the_middle");
  EXPECT_EQ(model.cuts.total_macs, 202784U);
  EXPECT_TRUE(model.cuts.macs_known);
  EXPECT_EQ(model.cuts.untyped, 1U);
  for (const Cut& cut : model.cuts.cuts) EXPECT_TRUE(split(model.graph, {cut}));
}

TEST(Wild, OnlyWhatHoldsForAllInputsIsDeclared) {
  // A rank that the batch decides, one that an input's values decide, and sizes that values decide
  // within a function.
  EXPECT_EQ(type(open("pool_squeeze"), "l"), "f32[...]");
  EXPECT_EQ(type(open("reshape_to_input"), "b"), "f32[...]");
  const Opened function = open("function_nonzero");
  EXPECT_EQ(type(function, "v"), "f32[?]");
  EXPECT_EQ(type(function, "r"), "f32[?]");
}

TEST(Wild, ABatchOfOneOnlyHasItsShapesAndANote) {
  const Opened model = open("split_on_batch");
  EXPECT_EQ(type(model, "a"), "f32[N,4,8,8]");
  EXPECT_EQ(type(model, "p"), "f32[1,4,1,1]");
  EXPECT_TRUE(model.cuts.macs_known);
  ASSERT_THAT(model.graph.notes, SizeIs(1));
  EXPECT_THAT(model.graph.notes[0],
              HasSubstr("the model fails at a batch of 3, so these are the shapes of a batch of 1: "
                        "Split '"));
}

TEST(Wild, MacsOfBranchesFunctionsAndEinsumAreCounted) {
  const Opened branches = open("branches");
  EXPECT_EQ(branches.cuts.total_macs, 258048U);
  EXPECT_TRUE(branches.cuts.macs_known);
  EXPECT_EQ(trainable_parameters(branches.graph), 1584U);
  const Opened functions = open("functions");
  EXPECT_EQ(functions.cuts.total_macs, 6656U);
  EXPECT_THAT(functions.cuts.cuts, SizeIs(6));
  EXPECT_EQ(open("einsum").cuts.total_macs, 20480U);
  EXPECT_EQ(trainable_parameters(open("constants").graph), 792U);
}

TEST(Wild, SharesNeedSizes) {
  const Opened open_size = open("tokens");
  EXPECT_THAT(open_size.graph.free_symbols, ElementsAre("tokens"));
  expect_error(find_cut(open_size.graph, open_size.cuts, "20%"), Kind::kUsage,
               "give sizes with --dim: tokens; or ");
  // No layer mixes its tokens.
  const TypeOptions eight = {.dimensions = {{"tokens", 8}}};
  const Opened secret = open("tokens", eight);
  expect_error(find_cut(secret.graph, secret.cuts, "20%"), Kind::kUsage,
               "no cut to choose '20%' from");
  const Opened sized = open("tokens", eight, {"ids"});
  EXPECT_TRUE(sized.cuts.macs_known);
  EXPECT_NE(find_cut(sized.graph, sized.cuts, "20%")->id,
            find_cut(sized.graph, sized.cuts, "90%")->id);
}

TEST(Wild, DimensionsWithoutANameCanBeGivenASize) {
  EXPECT_THAT(open("unnamed").graph.free_symbols, ElementsAre("x[2]", "x[3]"));
  const Opened model = open("unnamed", {.dimensions = {{"x[2]", 16}, {"x[3]", 16}}});
  EXPECT_EQ(type(model, "a"), "f32[N,8,16,16]");
  EXPECT_TRUE(model.cuts.macs_known);
}

TEST(Wild, MapsAreGivenAsTheirTensor) {
  std::vector<std::string> notes;
  const Model model =
      with_tensors_for_maps(value_of(read_model(test::data_path("wild/zipmap.onnx"))), notes);
  ASSERT_THAT(notes, SizeIs(1));
  EXPECT_THAT(notes[0], HasSubstr("output 'probs' is a list of maps (ZipMap)"));
  Graph graph = value_of(build_graph(model));
  ASSERT_TRUE(infer_types(graph, onnxruntime_probe()));
  EXPECT_EQ(graph.find("probs"), nullptr);
  EXPECT_TRUE(graph.find("p")->is_output);
  EXPECT_EQ(graph.find("p")->type.text(), "f32[N,3]");
  EXPECT_TRUE(extract_whole(graph));
}

}  // namespace
}  // namespace cloister
