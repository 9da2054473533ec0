#include "app/train/options.h"

#include "cli/program.h"
#include "cli/text.h"

namespace cloister {
namespace {

constexpr const char* kExamples =
    R"(Data is a CSV file with a header, a folder of JPEG and PNG pictures, or an .npz with
arrays `inputs` and `labels`. Training starts from the model's weights as they are.

Also writes, beside the model: encoding.json or preprocess.json (how rows or pictures
became inputs), labels.txt, and trained-on.json (the training inputs). To
audit a model on the data from which it learnt, hold 40 % back: --validation 0.4.

Examples:
  cloister zoo mlp --features 39 --classes 5 -o mlp.onnx
  cloister train mlp.onnx --data flows.csv --label type --drop src_ip,dst_ip \
    -o detector/model.onnx --epochs 20 --batch 256
  cloister train resnet.onnx --data photos --preprocess imagenet --flip \
    -o trained/model.onnx --checkpoint state --resume
  cloister train net.onnx --data train.npz -o trained.onnx --loss mse

Exit codes: 0 done, 1 failed, 2 usage, 3 the checkpoint belongs to another run,
130 or 143 interrupted (with --checkpoint the state is kept for --resume).)";

template <typename T>
CLI::Option* add(CLI::App& app, const char* group, const char* flag, const char* value, T& target,
                 const char* text) {
  CLI::Option* option = app.add_option(flag, target, text)->type_name(value)->group(group);
  if constexpr (std::is_arithmetic_v<T>) option->capture_default_str();
  return option;
}

void declare_data(CLI::App& app, TrainCommand& command) {
  DataOptions& o = command.data;
  const char* const tables = "Tables";
  add(app, tables, "--label", "COLUMN", o.label, "the column that the model learns to predict");
  add(app, tables, "--drop", "A,B", command.drop, "columns that the model does not see");
  add(app, tables, "--missing", "A,B", command.missing,
      "cells that count as missing, like empty ones (default: -)");
  add(app, tables, "--numeric", "A,B", command.numeric, "columns that must be numbers");
  add(app, tables, "--categorical", "A,B", command.categorical,
      "numeric columns to treat as categories");
  add(app, tables, "--separator", "SIGN", command.separator,
      "what is between the cells: comma, semicolon, tab, or another sign (default: as the header "
      "shows)");
  app.add_flag("--skip-ragged", o.skip_ragged, "skip rows with a different number of cells")
      ->group(tables);
  const std::map<std::string, audit::Scaling> scalings = {
      {"standard", audit::Scaling::kStandard},
      {"min-max", audit::Scaling::kMinMax},
      {"log-standard", audit::Scaling::kLogStandard}};
  add(app, tables, "--scaling", "KIND", o.encoder.scaling,
      "scaling of numbers: standard (default), min-max or log-standard")
      ->transform(CLI::CheckedTransformer(scalings));
  const std::map<std::string, audit::CategoryCode> codes = {
      {"one-hot", audit::CategoryCode::kOneHot}, {"ordinal", audit::CategoryCode::kOrdinal}};
  add(app, tables, "--category-code", "KIND", o.encoder.category_code,
      "one-hot (default) or ordinal")
      ->transform(CLI::CheckedTransformer(codes));
  add(app, tables, "--max-categories", "N", o.encoder.max_categories,
      "most features of a one-hot column; rarer categories share the last");
  const char* const pictures = "Pictures";
  add(app, pictures, "--preprocess", "FILE", o.preprocess,
      "preprocess.json, or imagenet, tiny-imagenet, half or raw");
  add(app, pictures, "--labels", "CSV", o.labels,
      "a table of `file` and `label`, instead of class folders");
  app.add_flag("--flip", o.flip, "mirror every other picture in training")->group(pictures);
}

void declare_optimizer(CLI::App& app, TrainOptions& o) {
  const char* const how = "How to train";
  const std::map<std::string, Loss> losses = {{"cross-entropy", Loss::kCrossEntropy},
                                              {"mse", Loss::kMse}};
  add(app, how, "--loss", "NAME", o.loss, "cross-entropy (default) or mse")
      ->transform(CLI::CheckedTransformer(losses));
  const std::map<std::string, Optimizer> optimizers = {{"adam", Optimizer::kAdam},
                                                       {"sgd", Optimizer::kSgd}};
  add(app, how, "--optimizer", "NAME", o.optimizer, "adam (default) or sgd")
      ->transform(CLI::CheckedTransformer(optimizers));
  const std::map<std::string, Schedule> schedules = {{"constant", Schedule::kConstant},
                                                     {"cosine", Schedule::kCosine}};
  add(app, how, "--schedule", "NAME", o.schedule,
      "learning-rate schedule: cosine, to 0 (default), or constant")
      ->transform(CLI::CheckedTransformer(schedules));
  add(app, how, "--lr", "X", o.learning_rate, "learning rate");
  add(app, how, "--momentum", "X", o.momentum, "momentum of sgd");
  add(app, how, "--weight-decay", "X", o.weight_decay, "pulls the weights towards 0");
  add(app, how, "--label-smoothing", "X", o.label_smoothing,
      "share of each label to spread over all classes");
}

}  // namespace

void declare_train_command(CLI::App& app, TrainCommand& o) {
  set_help_layout(app);
  app.footer(kExamples);
  const char* const options = "Options";
  add(app, "Positionals", "MODEL", "", o.model, "an ONNX model with one input")->required();
  add(app, options, "--data", "PATH", o.data.path, "training data: .csv, a folder, or .npz")
      ->required();
  add(app, options, "-o,--output", "FILE", o.output, "the trained model")->required();
  add(app, options, "--records", "DIR", o.records,
      "folder for the files that otherwise go beside the model");
  o.links.add_to(app, options);
  app.add_flag("--json", o.json, "print what was done as JSON");
  declare_data(app, o);
  const char* const how = "How to train";
  add(app, how, "--epochs", "N", o.train.epochs, "passes over the data");
  add(app, how, "--batch", "N", o.train.batch, "samples per step");
  add(app, how, "--validation", "SHARE", o.data.validation,
      "share held out and scored after each epoch (default: 0.1; 0 for an .npz)");
  add(app, how, "--seed", "N", o.train.seed,
      "seed of the held-out share, the order and the augmentation");
  add(app, how, "--class-weights", "KIND", o.class_weights,
      "none (default), or balanced: rare classes count more")
      ->check(CLI::IsMember({"none", "balanced"}));
  declare_optimizer(app, o.train);
  const char* const where = "State and device";
  add(app, where, "--checkpoint", "DIR", o.train.checkpoint,
      "keep the state after each epoch here");
  app.add_flag("--resume", o.train.resume, "continue from the checkpoint, if there is one")
      ->group(where);
  add(app, where, "--device", "NAME", o.device, "cpu (default) or cuda");
  add(app, where, "--threads", "N", o.threads, "0: LibTorch's own choice");
}

DataOptions data_options(const TrainCommand& o) {
  DataOptions out = o.data;
  out.seed = o.train.seed;
  out.drop = names_in(o.drop);
  out.missing = names_in(o.missing);
  out.numeric = names_in(o.numeric);
  out.categorical = names_in(o.categorical);
  out.separator = parse_separator(o.separator).value_or('\0');
  return out;
}

Result<> check_train_command(const TrainCommand& o) {
  if (o.train.resume && o.train.checkpoint.empty()) {
    return fail(Kind::kUsage, "--resume needs --checkpoint");
  }
  TRY_OK(parse_separator(o.separator));
  const DataKind kind = data_kind(o.data.path);
  const bool table = kind == DataKind::kTable, images = kind == DataKind::kImages;
  const std::tuple<const char*, bool, bool, const char*> flags[] = {
      {"--label", !o.data.label.empty(), table || images, "tables and pictures"},
      {"--drop", !o.drop.empty(), table, "tables"},
      {"--missing", !o.missing.empty(), table, "tables"},
      {"--numeric", !o.numeric.empty(), table, "tables"},
      {"--categorical", !o.categorical.empty(), table, "tables"},
      {"--separator", !o.separator.empty(), table || !o.data.labels.empty(), "tables"},
      {"--skip-ragged", o.data.skip_ragged, table, "tables"},
      {"--labels", !o.data.labels.empty(), images, "folders of pictures"},
      {"--preprocess", !o.data.preprocess.empty(), images, "folders of pictures"},
      {"--flip", o.data.flip, images, "folders of pictures"}};
  for (const auto& [flag, given, fits, what] : flags) {
    if (given && !fits) {
      return fail(Kind::kUsage, "{} is only for {}, and '{}' is not one", flag, what,
                  printable(o.data.path, 400));
    }
  }
  if (o.train.loss == Loss::kMse && kind != DataKind::kArrays) {
    return fail(Kind::kUsage, "--loss mse needs an .npz with the target outputs");
  }
  if (o.train.loss == Loss::kMse && o.class_weights != "none") {
    return fail(Kind::kUsage, "--class-weights is for cross-entropy");
  }
  return {};
}

}  // namespace cloister
