#include "app/train/report.h"

#include <algorithm>

#include "base/number_text.h"
#include "cli/text.h"

namespace cloister {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxClasses = 20;

bool tells_classes(const TrainOptions& options) {
  return options.loss == Loss::kCrossEntropy;
}

double recall(const ClassCount& of) {
  return static_cast<double>(of.correct) / static_cast<double>(of.samples);
}

// What is there of the validation part, or else of the training part.
const Evaluation& judged(const TrainReport& report) {
  return report.validation ? *report.validation : report.training;
}

// What always answering with the most frequent class would score.
double majority(const Evaluation& evaluation) {
  int64_t most = 0, all = 0;
  for (const ClassCount& of : evaluation.classes) {
    most = std::max(most, of.samples);
    all += of.samples;
  }
  return all == 0 ? 0 : static_cast<double>(most) / static_cast<double>(all);
}

std::string class_name(const TrainReport& report, size_t index) {
  const std::vector<std::string>& names = report.data->class_names;
  return index < names.size() ? printable(names[index], 40) : std::to_string(index);
}

std::string part_text(std::string_view what, int64_t samples, const Evaluation& found,
                      const TrainOptions& options) {
  std::string line =
      fmt::format("{:<11} {:>9} samples  loss {}", what, samples, number_text(found.loss, 4));
  if (tells_classes(options)) {
    line += fmt::format("  accuracy {}  (always the most frequent class: {})",
                        number_text(found.accuracy, 4), number_text(majority(found), 4));
  }
  return line + "\n";
}

std::string classes_text(const TrainReport& report) {
  const Evaluation& found = judged(report);
  std::vector<std::vector<std::string>> rows = {
      {"class", report.validation ? "validation" : "training", "recall"}};
  size_t left_out = 0;
  for (size_t i = 0; i < found.classes.size(); ++i) {
    const ClassCount& of = found.classes[i];
    if (i >= kMaxClasses) {
      ++left_out;
      continue;
    }
    rows.push_back({class_name(report, i), std::to_string(of.samples),
                    of.samples == 0 ? "-" : fmt::format("{:.4f}", recall(of))});
  }
  std::string text = table_text(rows, "lrr");
  if (left_out > 0) text += fmt::format("and {} more classes: --json lists all\n", left_out);
  return text;
}

Json evaluation_json(const Samples& samples, const Evaluation& found, const TrainOptions& options) {
  Json out{{"samples", samples.count()}, {"loss", found.loss}};
  if (!tells_classes(options)) return out;
  out["accuracy"] = found.accuracy;
  out["majority"] = majority(found);
  return out;
}

Json classes_json(const TrainReport& report) {
  const Evaluation& found = judged(report);
  Json out = Json::array();
  for (size_t i = 0; i < found.classes.size(); ++i) {
    const ClassCount& of = found.classes[i];
    Json entry{{"class", i}};
    if (!report.data->class_names.empty()) entry["name"] = class_name(report, i);
    entry["samples"] = of.samples;
    entry["recall"] = of.samples == 0 ? Json(nullptr) : Json(recall(of));
    out.push_back(std::move(entry));
  }
  return out;
}

Json epochs_json(const TrainReport& report) {
  Json out = Json::array();
  for (const EpochReport& epoch : report.epochs) {
    Json entry{{"epoch", epoch.epoch}, {"loss", epoch.loss}};
    if (tells_classes(*report.options)) entry["accuracy"] = epoch.accuracy;
    if (epoch.validation_loss) entry["validation_loss"] = *epoch.validation_loss;
    if (epoch.validation_accuracy) entry["validation_accuracy"] = *epoch.validation_accuracy;
    entry["learning_rate"] = epoch.learning_rate;
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

std::string epoch_text(const EpochReport& epoch, const TrainOptions& options) {
  std::string line =
      fmt::format("epoch {}/{}  loss {}", epoch.epoch, options.epochs, number_text(epoch.loss, 4));
  if (tells_classes(options)) line += "  accuracy " + number_text(epoch.accuracy, 4);
  if (epoch.validation_accuracy) {
    line += "  validation " + number_text(*epoch.validation_accuracy, 4);
  } else if (epoch.validation_loss) {
    line += "  validation loss " + number_text(*epoch.validation_loss, 4);
  }
  return line;
}

std::string train_report_text(const TrainReport& report) {
  std::string text;
  text += part_text("training", report.data->training->count(), report.training, *report.options);
  if (report.validation) {
    text += part_text("validation", report.data->validation->count(), *report.validation,
                      *report.options);
  }
  if (tells_classes(*report.options)) text += "\n" + classes_text(report);
  text += "\n";
  for (const WrittenFile& file : report.written) {
    text += fmt::format("{}  {}\n", printable(file.path, 400), file_size_text(file.path));
  }
  return text;
}

std::string train_report_json(const TrainReport& report) {
  Json root{{"schema", "cloister/train/1"}, {"model", report.model},
            {"sha256", report.sha256},      {"seed", report.options->seed},
            {"libtorch", report.libtorch},  {"data", report.data->facts},
            {"notes", report.data->notes},  {"epochs", epochs_json(report)}};
  root["training"] = evaluation_json(*report.data->training, report.training, *report.options);
  if (report.validation) {
    root["validation"] =
        evaluation_json(*report.data->validation, *report.validation, *report.options);
  }
  if (tells_classes(*report.options)) root["classes"] = classes_json(report);
  root["written"] = Json::array();
  for (const WrittenFile& file : report.written) {
    root["written"].push_back({{"what", file.what}, {"path", file.path}, {"sha256", file.sha256}});
  }
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cloister
