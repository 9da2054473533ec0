// A model file of any content: it is refused, or it can be ordered, cut everywhere, and written.
// ONNX Runtime is not asked: types are those that the file declares.
#include <stdlib.h>

#include <cstdio>

#include "graph/cost.h"
#include "graph/dynamic_batch.h"
#include "graph/extract.h"
#include "graph/onnx.h"
#include "graph/types.h"
#include "graph/validate.h"

namespace cloister {
namespace {

constexpr size_t kCutsTried = 12;
constexpr size_t kMaxInput = 1 << 16;

void require(bool good, const char* what, const std::string& why = "") {
  if (good) return;
  std::fprintf(stderr, "%s: %s\n", what, why.c_str());
  std::abort();
}

template <typename T>
void require(const Result<T>& result, const char* what) {
  require(result.has_value(), what, result ? "" : result.error().message);
}

// A folder that holds w.bin, for external data.
const fs::path& folder() {
  static const fs::path kFolder = [] {
    char path[] = "/tmp/cloister-fuzz-XXXXXX";
    require(::mkdtemp(path) != nullptr, "mkdtemp");
    require(write_file(fs::path(path) / "w.bin", std::string(4096, 'w')), "w.bin");
    return fs::path(path);
  }();
  return kFolder;
}

// An accepted model, or a piece of one.
void check_model(const Model& model) {
  require(validate(*model.proto), "validate");
  const Segment segment = to_segment(model);
  require(segment.weights.size() <= model.weights.size(), "weights");
  const fs::path path = folder() / "again.onnx";
  if (model.weights.empty()) {
    require(parse_model(as_bytes(segment.model), "/nonexistent"), "parse again");
    return;
  }
  require(write_model(model, path, segment.model.size() % 2 == 0 ? kMaxInlineBytes : 0), "write");
  const auto again = read_model(path);
  require(again, "read again");
  require(again->weights.size() == model.weights.size(), "weights again");
  for (const auto& [name, tensor] : model.weights) {
    require(as_text(again->weights.at(name).data()) == as_text(tensor.data()), "data again");
  }
}

void check_split(const Graph& graph, const std::vector<Cut>& cuts) {
  const auto segments = split(graph, cuts);
  if (!segments) {
    require(segments.error().kind == Kind::kUnsupported, "split", segments.error().message);
    return;
  }
  for (const Model& segment : *segments) {
    check_model(segment);
    require(build_graph(segment), "graph of a segment");
  }
}

void check_graph(Graph graph) {
  const TypeProbe nobody = {
      .infer = [](const std::string&) { return fail(Kind::kUnsupported, "not asked"); },
      .run = [](const Segment&) { return fail(Kind::kUnsupported, "not asked"); },
  };
  require(infer_types(graph, nobody), "types");
  trainable_parameters(graph);
  [[maybe_unused]] const auto symbolic = make_batch_symbolic(graph);
  if (const auto whole = extract_whole(graph)) check_model(*whole);
  const CutList list = list_cuts(graph);
  for (size_t i = 0; i < std::min(list.cuts.size(), kCutsTried); ++i) {
    const Cut& cut = list.cuts[i];
    require(cut.position > 0 && cut.position < graph.data_nodes(), "position");
    require(!cut.tensors.empty(), "tensors");
    const auto found = find_cut(graph, list, cut.id);
    require(found, "find_cut");
    check_split(graph, {cut});
    if (i > 0) check_split(graph, {list.cuts[0], cut});
  }
}

}  // namespace
}  // namespace cloister

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cloister;
  if (size > kMaxInput) return 0;
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  const auto model = parse_model(file, folder());
  if (!model) return 0;
  check_model(*model);
  if (auto graph = build_graph(*model)) check_graph(std::move(*graph));
  return 0;
}
