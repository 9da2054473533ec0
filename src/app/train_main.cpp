// cloister-train: trains a model on arrays and writes the weights back into it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/program.h"
#include "base/sha256.h"
#include "engine/torch.h"
#include "engine/torch/trainer.h"
#include "tensor/npz.h"

namespace cloister {
namespace {

constexpr const char* kExamples = R"(
The .npz holds an array `inputs`, one sample along its first extent, and an array `labels`: a class
a sample for cross-entropy (the model gives logits), the wanted outputs for mse.

Examples:
  cloister-train mlp.onnx --data train.npz -o trained.onnx --epochs 20
  cloister-train cnn.onnx --data train.npz -o trained.onnx --checkpoint state --resume
  cloister-train net.onnx --data train.npz -o trained.onnx --loss mse --optimizer sgd --lr 0.01

Exit codes: 0 done, 1 failed, 2 usage, 3 the checkpoint is of another run.)";

struct Options {
  std::string model, data, output, checkpoint, device = "cpu";
  int threads = 0;
  bool json = false;
  TrainOptions train;
};

struct Samples {
  Tensor inputs;
  Tensor labels;
};

Result<Samples> read_samples(const std::string& path) {
  TRY(arrays, read_npz(path));
  const auto take = [&](const char* name) -> Result<Tensor> {
    for (const NamedTensor& array : arrays) {
      if (array.name == name) return array.tensor;
    }
    return invalid("'{}' has no array '{}'", printable(path, 400), name);
  };
  TRY(inputs, take("inputs"));
  TRY(labels, take("labels"));
  return Samples{inputs, labels};
}

void print_epoch(const EpochReport& epoch, const TrainOptions& options) {
  std::string line =
      fmt::format("epoch {}/{}  loss {:.6f}", epoch.epoch, options.epochs, epoch.loss);
  if (options.loss == Loss::kCrossEntropy) {
    line += fmt::format("  accuracy {:.4f}", epoch.accuracy);
  }
  fmt::print(stderr, "{}\n", line);
}

void print_result(const Options& options, const std::vector<EpochReport>& epochs,
                  const std::string& sha256) {
  if (!options.json) {
    fmt::print("{}  loss {:.6f}\n", printable(options.output, 400), epochs.back().loss);
    return;
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const EpochReport& epoch : epochs) {
    nlohmann::ordered_json entry{{"epoch", epoch.epoch}, {"loss", epoch.loss}};
    if (options.train.loss == Loss::kCrossEntropy) entry["accuracy"] = epoch.accuracy;
    entry["learning_rate"] = epoch.learning_rate;
    list.push_back(std::move(entry));
  }
  const nlohmann::ordered_json root{
      {"schema", "cloister/train/1"}, {"model", options.output},     {"sha256", sha256},
      {"seed", options.train.seed},   {"libtorch", torch_version()}, {"epochs", list}};
  fmt::print("{}\n", root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

Result<> run(Options options) {
  if (options.train.resume && options.train.checkpoint.empty()) {
    return fail(Kind::kUsage, "--resume needs --checkpoint");
  }
  // Refuses devices that are not there, and sets the threads.
  TRY_OK(make_torch({.device = options.device, .threads = options.threads}));
  TRY(model, read_model(options.model));
  TRY(samples, read_samples(options.data));
  options.train.identity = model.file_sha256 + " " + to_hex(sha256(samples.inputs.data())) + " " +
                           to_hex(sha256(samples.labels.data()));
  TRY(module, SegmentModule::make(model));
  module->to(at::Device(options.device));
  TRY(epochs, train(*module, samples.inputs.view(), samples.labels.view(), options.train,
                    [&](const EpochReport& epoch) { print_epoch(epoch, options.train); }));
  TRY(trained, write_back(*module, model));
  TRY_OK(write_model(trained, options.output));
  TRY(file, MappedFile::open(options.output));
  print_result(options, epochs, to_hex(sha256(file->bytes())));
  return {};
}

template <typename T>
CLI::Option* add(CLI::App* group, const char* flag, const char* value, T& target,
                 const char* text) {
  return group->add_option(flag, target, text)->type_name(value);
}

void declare(CLI::App& app, Options& o) {
  set_help_layout(app);
  app.footer(kExamples);
  add(&app, "MODEL", "", o.model, "an ONNX model with one input")->required();
  add(&app, "--data", "FILE", o.data, "samples: .npz with `inputs` and `labels`")->required();
  add(&app, "-o,--output", "FILE", o.output, "the trained model")->required();
  app.add_flag("--json", o.json, "print what was done as JSON");
  auto* how = app.add_option_group("How to train");
  const std::map<std::string, Loss> losses = {{"cross-entropy", Loss::kCrossEntropy},
                                              {"mse", Loss::kMse}};
  add(how, "--loss", "NAME", o.train.loss, "cross-entropy (default) or mse")
      ->transform(CLI::CheckedTransformer(losses));
  const std::map<std::string, Optimizer> optimizers = {{"adam", Optimizer::kAdam},
                                                       {"sgd", Optimizer::kSgd}};
  add(how, "--optimizer", "NAME", o.train.optimizer, "adam (default) or sgd")
      ->transform(CLI::CheckedTransformer(optimizers));
  const std::map<std::string, Schedule> schedules = {{"constant", Schedule::kConstant},
                                                     {"cosine", Schedule::kCosine}};
  add(how, "--schedule", "NAME", o.train.schedule,
      "of the learning rate: cosine, to 0 (default), or constant")
      ->transform(CLI::CheckedTransformer(schedules));
  add(how, "--lr", "X", o.train.learning_rate, "learning rate (0.001)");
  add(how, "--momentum", "X", o.train.momentum, "of sgd (0.9)");
  add(how, "--weight-decay", "X", o.train.weight_decay, "(0)");
  add(how, "--epochs", "N", o.train.epochs, "(10)");
  add(how, "--batch", "N", o.train.batch, "samples a step (64)");
  add(how, "--seed", "N", o.train.seed, "of the order of samples, and of dropout (1)");
  auto* where = app.add_option_group("State and device");
  add(where, "--checkpoint", "DIR", o.train.checkpoint, "keep the state after each epoch here");
  where->add_flag("--resume", o.train.resume, "go on from the checkpoint, if there is one");
  add(where, "--device", "NAME", o.device, "cpu (default) or cuda");
  add(where, "--threads", "N", o.threads, "0 (default): LibTorch's own choice");
}

int main_with(int argc, char** argv) {
  const std::string who = "cloister-train";
  Options options;
  CLI::App app("Train a model on arrays; the weights are written back into it", who);
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_program(app, who, error);
  }
  if (auto done = run(std::move(options)); !done) {
    return end_program(who, std::unexpected(done.error()));
  }
  return end_program(who, 0);
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  try {
    return cloister::main_with(argc, argv);
  } catch (const std::exception& error) {
    return cloister::end_program(
        "cloister-train",
        cloister::fail(cloister::Kind::kInternal, "internal error: {}", error.what()));
  }
}
