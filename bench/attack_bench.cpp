// Training throughput of the attackers: images a second of one epoch on random pictures and the
// feature maps of ResNet-50's first block, as JSON. bench/attack_bench.py compares it with plain
// PyTorch.
#include <cstdio>
#include <cstdlib>

#include "audit/attack/precision.h"
#include "audit/protocol/budget.h"
#include "engine/probe.h"
#include "engine/torch.h"
#include "graph/cuts.h"
#include "graph/extract.h"
#include "graph/zoo/zoo.h"

namespace cloister {
namespace {

using namespace audit;

constexpr int64_t kImages = 1280;

Result<double> images_per_second(const std::string& name, int64_t size, int64_t images) {
  TRY(model, zoo_model("resnet50", 1));
  TRY(graph, build_graph(std::move(model)));
  TRY_OK(infer_types(graph, onnxruntime_probe()));
  const CutList cuts = list_cuts(graph);
  TRY(cut, find_cut(graph, cuts, "3%"));
  TRY(segments, split(graph, {cut}));
  TRY(preprocess, preprocess_preset("imagenet"));
  TRY(head, Head::make(segments[0], {graph.values[cut.tensors[0]].name},
                       {audit::InputKind::kPictures, {3, size, size}, preprocess, {}}, at::kCPU));
  const at::Tensor pictures = at::randint(0, 256, {images, 3, size, size}, at::kByte);
  const at::Tensor all = at::arange(images, at::kLong);
  const ProgressCallback silent = [](double, const std::string&) { return Result<>(); };
  const char* folder = std::getenv("TMPDIR");
  const fs::path cache = fs::path(folder ? folder : "/tmp") / "cloister-attack-bench";
  TRY(store, FeatureStore::make(head, pictures, all, all,
                                {.folder = cache, .limit_bytes = 1ULL << 32}, silent));
  const Pairs pairs(store, all, {});
  TRY(budget, find_budget("standard"));
  AttackContext context;
  context.effort = budget.effort;
  context.effort.epochs = 1;
  context.score = [](const at::Tensor&, const Pairs&) { return Result<double>(0.0); };
  context.tick = silent;
  const auto attacker = name == "cgan" ? make_cgan() : make_inverse_net();
  // Once to warm up.
  TRY_OK(attacker->fit(pairs.first(256), pairs.first(16), context));
  TRY(fit, attacker->fit(pairs, pairs.first(16), context));
  fs::remove_all(cache);
  fmt::print("{{\"attacker\": \"{}\", \"size\": {}, \"map\": {}, \"images_per_second\": {:.2f}}}\n",
             name, size, shape_text(store->shapes()[0]), fit.inputs_per_second);
  return fit.inputs_per_second;
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (argc > 4) {
    fmt::print(stderr, "usage: attack_bench [cgan|inverse-net] [SIZE] [THREADS]\n");
    return 2;
  }
  const std::string name = argc > 1 ? argv[1] : "cgan";
  const int64_t size = argc > 2 ? std::atoll(argv[2]) : 64;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  cloister::audit::tune_for_training();
  const auto engine = cloister::make_torch({.threads = threads});
  const auto rate = cloister::images_per_second(name, size, cloister::kImages);
  if (engine && rate) return 0;
  fmt::print(stderr, "attack_bench: {}\n", rate ? engine.error().message : rate.error().message);
  return 1;
}
