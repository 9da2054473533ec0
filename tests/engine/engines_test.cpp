// Every engine is listed wherever engines are, and runs segments in both of their forms.
#include "engine/engines.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "base/words.h"
#include "engine/onnxruntime.h"
#include "tests/engine/small_models.h"
#include "tests/support/data.h"
#include "tests/support/result.h"

namespace cloister {
namespace {

using test::expect_error;
using test::value_of;

// Of a file beside tests/data, its white space made one space each.
std::string text_of(const std::string& name) {
  return std::regex_replace(value_of(read_file(test::data_path(name))), std::regex("\\s+"), " ");
}

TEST(Engines, EachIsInTheDocumentation) {
  const std::string docs = text_of("../../docs/serving.md");
  for (const EngineInfo& info : engines()) {
    const std::regex line(fmt::format("\\| `{}` \\| [^|]+ \\| `{}` \\|", info.name,
                                      fmt::join(info.providers(), "`, `")));
    EXPECT_TRUE(std::regex_search(docs, line))
        << "docs/serving.md has no line for " << info.name << " and its providers";
  }
}

TEST(Engines, EachIsInTheHelp) {
  const std::string profile = text_of("help/profile.txt");
  for (const EngineInfo& info : engines()) {
    for (const std::string& provider : info.providers()) {
      EXPECT_TRUE(
          std::regex_search(profile, std::regex(fmt::format("{}-{}\\b", info.name, provider))))
          << "tests/data/help/profile.txt does not name " << info.name << "-" << provider;
    }
  }
  EXPECT_THAT(text_of("help/run.txt"),
              testing::HasSubstr("provider: " + or_text(known_onnxruntime_providers()) + " ("));
}

TEST(Engines, EachIsFoundByItsNameAlone) {
  std::set<std::string_view> titles, meanings;
  EXPECT_EQ(engine_names().size(), engines().size());
  for (const EngineInfo& info : engines()) {
    EXPECT_EQ(value_of(find_engine(info.name)), &info);
    titles.insert(info.title);
    meanings.insert(info.meaning);
    EXPECT_GT(info.meaning.size(), 10u);
    EXPECT_FALSE(info.meaning.ends_with('.'));
    ASSERT_FALSE(info.providers().empty());
    EXPECT_EQ(info.providers().front(), "cpu");
    for (const std::string& provider : info.providers()) {
      EXPECT_THAT(provider_names(), testing::Contains(provider));
    }
  }
  EXPECT_EQ(titles.size(), engines().size());
  EXPECT_EQ(meanings.size(), engines().size());
  const std::vector<std::string> providers = provider_names();
  EXPECT_EQ(std::set(providers.begin(), providers.end()).size(), providers.size());
  expect_error(find_engine("tourch"), Kind::kUsage,
               "no engine 'tourch'; want onnxruntime or torch");
}

class EveryEngine : public testing::TestWithParam<EngineInfo> {};

TEST_P(EveryEngine, RefusesProvidersThatItDoesNotKnow) {
  const EngineInfo& info = GetParam();
  if (info.version().empty()) GTEST_SKIP() << "not part of this build";
  expect_error(info.make({.provider = "abacus"}), Kind::kUsage, "'abacus'; want cpu");
  for (const std::string& provider : info.providers()) {
    const auto engine = info.make({.provider = provider});
    EXPECT_TRUE(engine || engine.error().kind == Kind::kUnsupported) << provider;
  }
}

TEST_P(EveryEngine, SaysThatItIsNotPartOfABuild) {
  const EngineInfo& info = GetParam();
  if (!info.version().empty()) GTEST_SKIP() << "part of this build";
  expect_error(info.make({}), Kind::kUnsupported, std::string(info.title));
}

// Weights by name, as models have them, and in a file in memory, as bundles do.
TEST_P(EveryEngine, RunsBothFormsOfASegment) {
  const EngineInfo& info = GetParam();
  if (info.version().empty()) GTEST_SKIP() << "not part of this build";
  const Tensor weight = test::pattern({64, 64});
  const Segment by_name =
      test::small_segment({{"x", DType::kF32, {-1, 64}}}, test::node("MatMul", {"x", "w"}, "y"),
                          {{"y", DType::kF32, {-1, 64}}}, {{"w", weight}});
  Segment in_file{.model = by_name.model, .weights = {}};
  in_file.files.push_back({"weights", weight.data(), nullptr});  // as small_segment() calls it
  const Tensor x = test::pattern({2, 64});
  const auto run = [&](Engine& engine, const Segment& segment) {
    const auto program = value_of(engine.load(segment));
    return test::values<float>(value_of(program->run({x.view()})).at(0));
  };
  const auto engine = value_of(info.make({}));
  const std::vector<float> want = run(*value_of(make_onnxruntime()), by_name);
  EXPECT_THAT(run(*engine, by_name), testing::Pointwise(testing::FloatNear(1e-4F), want));
  EXPECT_THAT(run(*engine, in_file), testing::Pointwise(testing::FloatNear(1e-4F), want));
  in_file.files.clear();
  EXPECT_FALSE(engine->load(in_file));
}

INSTANTIATE_TEST_SUITE_P(All, EveryEngine, testing::ValuesIn(engines().begin(), engines().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace cloister
