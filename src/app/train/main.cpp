// cloister-train: trains a model on a table, pictures or arrays, and writes the weights back into
// it. `cloister train` starts it.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/train/options.h"
#include "app/train/report.h"
#include "base/folder.h"
#include "base/number_text.h"
#include "base/sha256.h"
#include "cli/interrupt.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "engine/torch.h"
#include "engine/torch/memory.h"
#include "train/trainer.h"

namespace cloister {
namespace {

constexpr const char* kWho = "cloister train";

// 0 where the model does not say.
int64_t classes_of(const SegmentModule& module) {
  const TensorSpec& output = module.outputs().at(0);
  return output.dims.size() == 2 ? std::max<int64_t>(output.dims[1], 0) : 0;
}

// Inverse to how often a class is there, 1 on average over the samples.
std::vector<float> balanced_weights(const Samples& samples, int64_t classes) {
  const TensorView labels = samples.labels();
  std::vector<int64_t> counts(static_cast<size_t>(classes));
  const auto at = [&](int64_t i) {
    return labels.dtype == DType::kI32 ? labels.as<int32_t>()[static_cast<size_t>(i)]
                                       : labels.as<int64_t>()[static_cast<size_t>(i)];
  };
  for (int64_t i = 0; i < samples.count(); ++i) {
    if (at(i) >= 0 && at(i) < classes) ++counts[static_cast<size_t>(at(i))];
  }
  const auto there = classes - std::ranges::count(counts, 0);
  std::vector<float> weights;
  for (const int64_t count : counts) {
    weights.push_back(count == 0 ? 1.0F
                                 : static_cast<float>(samples.count()) /
                                       static_cast<float>(there * count));
  }
  return weights;
}

Result<> set_class_weights(TrainCommand& o, const SegmentModule& module, const TrainingData& data) {
  if (o.class_weights == "none") return {};
  const int64_t classes = classes_of(module);
  const DType dtype = data.training->labels().dtype;
  if (classes == 0 || (dtype != DType::kI64 && dtype != DType::kI32)) {
    return invalid("--class-weights balanced: the model's output or the labels are not classes");
  }
  o.train.class_weights = balanced_weights(*data.training, classes);
  return {};
}

Result<WrittenFile> written(const std::string& what, const fs::path& path) {
  if (is_special_file(path)) return WrittenFile{what, path.string(), ""};
  TRY(file, MappedFile::open(path));
  return WrittenFile{what, path.string(), to_hex(sha256(file->bytes()))};
}

Result<std::vector<WrittenFile>> write_all(const TrainCommand& o, const Model& trained,
                                           const TrainingData& data) {
  std::vector<WrittenFile> out;
  TRY(files, write_model(trained, o.output));
  for (const fs::path& path : files) {
    TRY(file, written(out.empty() ? "model" : "weights", path));
    out.push_back(file);
  }
  // Beside a device is no place for records.
  if (o.records.empty() && is_special_file(o.output)) return out;
  const fs::path folder =
      o.records.empty() ? fs::path(o.output).parent_path() : fs::path(o.records);
  for (const RecordFile& record : data.records) {
    TRY_OK(write_file(folder / record.name, record.content));
    TRY(file, written(record.name, folder / record.name));
    out.push_back(file);
  }
  return out;
}

Outcome end_interrupted(const TrainCommand& o, size_t epochs) {
  const std::string kept = o.train.checkpoint.empty()
                               ? "without --checkpoint nothing is saved"
                               : fmt::format("'{}' has the state; --resume continues from it",
                                             printable(o.train.checkpoint.string(), 400));
  fmt::print(stderr, "{}: interrupted after {} of {} epochs; {}\n", kWho, epochs, o.train.epochs,
             kept);
  return interrupt_exit_code();
}

Result<TrainingData> load_data(const TrainCommand& o, const SegmentModule& module) {
  Progress progress("read", stderr);
  return load_training_data(data_options(o), classes_of(module), [&](double share) {
    progress.update(share);
    return !interrupted();
  });
}

Result<Trained> train_model(const TrainCommand& o, SegmentModule& module,
                            const TrainingData& data) {
  Progress progress("train", stderr);
  const TrainHooks hooks{
      .step =
          [&](const StepReport& step) {
            const std::string accuracy = o.train.loss == Loss::kCrossEntropy
                                             ? "  accuracy " + number_text(step.accuracy, 4)
                                             : "";
            progress.update(step.done_share,
                            fmt::format("epoch {}/{}  loss {}{}", step.epoch, o.train.epochs,
                                        number_text(step.loss, 4), accuracy));
            return !interrupted();
          },
      .epoch = [&](const EpochReport& epoch) { progress.line(epoch_text(epoch, o.train)); }};
  return train(module, *data.training, data.validation.get(), o.train, hooks);
}

Outcome run(TrainCommand o) {
  TRY_OK(check_train_command(o));
  watch_interrupts();
  keep_freed_memory();
  // Refuses devices that are not there, and sets the threads.
  TRY_OK(make_torch({.device = o.device, .threads = o.threads}));
  TRY(links, o.links.read());
  TRY(model, read_model(o.model, links));
  TRY(module, SegmentModule::make(model));
  if (module->outputs().empty()) return invalid("the model has no outputs");
  auto data = load_data(o, *module);
  if (interrupted()) return end_interrupted(o, 0);
  if (!data) return std::unexpected(data.error());
  for (const std::string& note : data->notes) fmt::print(stderr, "note: {}\n", note);
  TRY_OK(set_class_weights(o, *module, *data));
  o.train.identity = model.file_sha256 + " " + data->digest;
  // Before hours are spent on what goes there.
  TRY_OK(make_folder_of(o.output));
  if (!o.records.empty()) TRY_OK(make_folder(o.records));
  module->to(at::Device(o.device));
  TRY(trained, train_model(o, *module, *data));
  if (trained.stopped) return end_interrupted(o, trained.epochs.size());

  TrainReport report{.model = o.output, .libtorch = torch_version()};
  report.options = &o.train;
  report.data = &*data;
  report.epochs = trained.epochs;
  TRY(on_training, evaluate(*module, *data->training, o.train.loss, o.train.batch));
  report.training = on_training;
  if (data->validation) {
    TRY(on_validation, evaluate(*module, *data->validation, o.train.loss, o.train.batch));
    report.validation = on_validation;
  }
  TRY(result, write_back(*module, model));
  TRY(files, write_all(o, result, *data));
  report.written = files;
  report.sha256 = files[0].sha256;
  fmt::print("{}", o.json ? train_report_json(report) : train_report_text(report));
  return 0;
}

int main_with(int argc, char** argv) {
  TrainCommand options;
  CLI::App app("Train a model on a table, pictures or arrays", kWho);
  declare_train_command(app, options);
  return parse_and_run(app, kWho, argc, argv, [&] { return run(std::move(options)); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded(cloister::kWho, argc, argv, cloister::main_with);
}
