#include "tests/engine/backend_list.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <regex>
#include <sstream>

#include "engine/probe.h"
#include "engine/run.h"
#include "graph/extract.h"
#include "tests/engine/onnx_backend.h"

namespace cloister::test {
namespace {

using Programs = std::vector<std::unique_ptr<Program>>;

// What became of one case. No error: it passed.
struct Verdict {
  std::optional<Error> error;
  bool alone_too =
      false;  // the model file itself, straight into the engine, ends like that as well
  bool cut_in_two = false;
};

std::string cause(std::span<const Cause> causes, const std::string& name) {
  for (const Cause& each : causes) {
    if (std::regex_match(name, std::regex(std::string("node/(") + each.cases + ")"))) {
      return each.why;
    }
  }
  return "";
}

// Gives u16 data the type of a bf16 spec.
Tensor as_port(const Tensor& tensor, const TensorSpec& spec) {
  if (tensor.dtype() != DType::kU16 || spec.dtype != DType::kBF16) return tensor;
  return *Tensor::copy_of(DType::kBF16, tensor.shape(), tensor.data());
}

Result<> run_sets(const Programs& programs, const std::vector<TensorSpec>& inputs,
                  const std::vector<TensorSpec>& outputs, const std::vector<DataSet>& sets) {
  std::vector<std::string> wanted;
  for (const TensorSpec& spec : outputs) wanted.push_back(spec.name);
  for (const DataSet& set : sets) {
    if (set.inputs.size() != inputs.size()) {
      return invalid("{} inputs in the test data, the model has {}", set.inputs.size(),
                     inputs.size());
    }
    std::vector<NamedTensor> named;
    for (size_t i = 0; i < inputs.size(); ++i) {
      named.push_back({inputs[i].name, as_port(set.inputs[i], inputs[i])});
    }
    TRY(results, run_segments(programs, named, wanted));
    std::vector<Tensor> got;
    for (const NamedTensor& result : results) got.push_back(result.tensor);
    std::vector<Tensor> want = set.outputs;
    for (size_t i = 0; i < std::min(want.size(), outputs.size()); ++i) {
      want[i] = as_port(want[i], outputs[i]);
    }
    TRY_OK(close_to(got, want));
  }
  return {};
}

class Runner {
 public:
  Runner(Engine& engine, const fs::path& root) : engine_(engine), root_(root) {}

  Verdict run(const std::string& name) {
    Verdict verdict;
    const fs::path folder = root_ / name;
    if (auto passed = run_whole_and_cut(folder, verdict); !passed) {
      verdict.error = std::move(passed).error();
      // Whose doing? The file as it is, straight into the engine.
      const auto alone = run_alone(folder);
      verdict.alone_too = !alone && alone.error().kind == verdict.error->kind;
    }
    return verdict;
  }

 private:
  struct Opened {
    std::unique_ptr<Program> program;
    std::vector<DataSet> sets;
  };

  Result<Opened> open(const Segment& segment, const fs::path& folder) {
    auto program = engine_.load(segment);
    auto sets = read_data_sets(folder);
    // What the data can't be moved for comes before what the engine says of the model, which may
    // depend on the machine (on its locales).
    if (!program && program.error().kind == Kind::kUnsupported) {
      return std::unexpected(program.error());
    }
    if (!sets) return std::unexpected(sets.error());
    if (!program) return std::unexpected(program.error());
    return Opened{std::move(*program), std::move(*sets)};
  }

  Result<> run_whole_and_cut(const fs::path& folder, Verdict& verdict) {
    TRY(model, read_model(folder / "model.onnx"));
    TRY(graph, build_graph(model));
    TRY_OK(infer_types(graph, onnxruntime_probe()));
    TRY(whole, extract_whole(graph));
    TRY(opened, open(to_segment(whole), folder));
    auto& [program, sets] = opened;
    const std::vector<TensorSpec> inputs = program->inputs();
    const std::vector<TensorSpec> outputs = program->outputs();
    Programs programs;
    programs.push_back(std::move(program));
    TRY_OK(run_sets(programs, inputs, outputs, sets));

    const CutList list = list_cuts(graph, {.max_tensors = 1000});
    if (list.cuts.empty()) return {};
    const Cut& middle = list.cuts[list.cuts.size() / 2];
    const auto passed = [&]() -> Result<> {
      TRY(segments, split(graph, {middle}));
      programs.clear();
      for (const Model& segment : segments) {
        TRY(loaded, engine_.load(to_segment(segment)));
        programs.push_back(std::move(loaded));
      }
      return run_sets(programs, inputs, outputs, sets);
    }();
    if (!passed) {
      return with_context(passed.error(), "cut at " + graph.values[middle.tensors[0]].name);
    }
    verdict.cut_in_two = true;
    return {};
  }

  Result<> run_alone(const fs::path& folder) {
    TRY(bytes, read_file(folder / "model.onnx"));
    TRY(opened, open({std::move(bytes), {}}, folder));
    auto& [program, sets] = opened;
    const std::vector<TensorSpec> inputs = program->inputs();
    const std::vector<TensorSpec> outputs = program->outputs();
    Programs programs;
    programs.push_back(std::move(program));
    return run_sets(programs, inputs, outputs, sets);
  }

  Engine& engine_;
  fs::path root_;
};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// The lines that only one of two sorted lists has, marked - (expected) and + (found).
std::string diff(std::vector<std::string> expected, std::vector<std::string> found) {
  std::ranges::sort(expected);
  std::ranges::sort(found);
  std::vector<std::string> lost;
  std::vector<std::string> added;
  std::ranges::set_difference(expected, found, std::back_inserter(lost));
  std::ranges::set_difference(found, expected, std::back_inserter(added));
  std::string out;
  for (const std::string& line : lost) out += "- " + line + "\n";
  for (const std::string& line : added) out += "+ " + line + "\n";
  return out;
}

}  // namespace

void check_backend_list(Engine& engine, const std::string& version, std::span<const Cause> causes,
                        const fs::path& list) {
  const fs::path root = ONNX_TESTDATA;
  if (!fs::is_directory(root / "node")) {
    GTEST_SKIP() << "no ONNX test data in " << root << ": install libonnx-testdata";
  }
  Runner runner(engine, root);
  int passed = 0;
  int cut_in_two = 0;
  std::map<Kind, int> not_passed;
  std::string cases;
  for (const std::string& name : backend_cases(root)) {
    Verdict verdict = runner.run(name);
    const std::string known = cause(causes, name);
    // Random numbers may be right by chance; such a case is never called passed.
    if (!verdict.error && !known.starts_with("random")) {
      ++passed;
      cut_in_two += verdict.cut_in_two ? 1 : 0;
      continue;
    }
    if (known.starts_with("random")) verdict = {Error{Kind::kInvalid, known}, true};
    const bool unsupported = verdict.error->kind == Kind::kUnsupported;
    ++not_passed[unsupported ? Kind::kUnsupported : Kind::kInvalid];
    // The numbers of failures that are understood are left out: they may change from run to run.
    cases += fmt::format("{} | {} | {} | {}\n", unsupported ? "unsupported" : "failed", name,
                         verdict.alone_too ? "the model file too" : "only here",
                         known.empty() || unsupported ? verdict.error->message : known);
  }
  const std::string summary =
      fmt::format("# {} passed, {} of them cut in two as well; {} failed; {} unsupported", passed,
                  cut_in_two, not_passed[Kind::kInvalid], not_passed[Kind::kUnsupported]);
  std::cout << summary << '\n';
  // Another runtime has other operators: the list is that of one version.
  const std::string runtime = "# " + version;
  const std::string found = runtime + "\n" + summary + "\n" + cases;

  if (std::getenv("CLOISTER_UPDATE") != nullptr) {
    ASSERT_TRUE(write_file(list, found));
    GTEST_SKIP() << "wrote " << list;
  }
  const auto expected = read_file(list);
  ASSERT_TRUE(expected) << expected.error().message;
  const std::string drift = diff(lines(*expected), lines(found));
  if (!expected->starts_with(runtime + "\n") && !drift.empty()) {
    GTEST_SKIP() << "the list is for another version than " << runtime << "\n" << drift;
  }
  EXPECT_EQ(drift, "") << "- expected, + found; CLOISTER_UPDATE=1 accepts what was found";
}

}  // namespace cloister::test
