#include "engine/torch/checkpoint.h"

#include <torch/serialize.h>

#include <cmath>
#include <limits>

namespace cloister {
namespace {

constexpr int64_t kFields = 5;  // of an epoch

fs::path file_in(const fs::path& folder) {
  return folder / "checkpoint.pt";
}

at::Tensor numbers_of(const std::vector<EpochReport>& reports) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  at::Tensor out = at::empty({static_cast<int64_t>(reports.size()), kFields}, at::kDouble);
  double* to = out.data_ptr<double>();
  for (const EpochReport& report : reports) {
    *to++ = report.loss;
    *to++ = report.accuracy;
    *to++ = report.learning_rate;
    *to++ = report.validation_loss.value_or(kNone);
    *to++ = report.validation_accuracy.value_or(kNone);
  }
  return out;
}

Result<std::vector<EpochReport>> reports_of(const at::Tensor& numbers) {
  if (numbers.dim() != 2 || numbers.size(1) != kFields || numbers.scalar_type() != at::kDouble) {
    return invalid("reports are {}", shape_text(numbers.sizes().vec()));
  }
  std::vector<EpochReport> out;
  const at::Tensor rows = numbers.contiguous();
  const auto optional = [](double value) {
    return std::isnan(value) ? std::nullopt : std::optional<double>(value);
  };
  for (int64_t row = 0; row < rows.size(0); ++row) {
    const double* from = rows.data_ptr<double>() + row * kFields;
    out.push_back({row + 1, from[0], from[1], from[2], optional(from[3]), optional(from[4])});
  }
  return out;
}

Result<> load(const fs::path& path, const std::string& identity, TrainState& state,
              SegmentModule& module, torch::optim::Optimizer& optimizer) {
  torch::serialize::InputArchive archive;
  archive.load_from(path.string());
  c10::IValue saved;
  archive.read("identity", saved);
  if (saved.toStringRef() != identity) {
    return fail(Kind::kRefused, "it belongs to another model, other data or other options");
  }
  at::Tensor reports, progress;
  archive.read("reports", reports);
  archive.read("progress", progress);
  TRY(done, reports_of(reports));
  state.done = done;
  state.step = static_cast<int64_t>(progress[0].item<double>());
  state.loss = progress[1].item<double>();
  state.accuracy = progress[2].item<double>();
  const at::NoGradGuard no_gradients;
  int64_t number = 0;
  for (const auto& [_, weight] : module.weights()) {
    at::Tensor value;
    archive.read("weight" + std::to_string(number++), value);
    at::Tensor(weight).copy_(value);
  }
  torch::serialize::InputArchive inner;
  archive.read("optimizer", inner);
  optimizer.load(inner);
  return {};
}

}  // namespace

Result<> save_checkpoint(const fs::path& folder, const std::string& identity,
                         const TrainState& state, const SegmentModule& module,
                         torch::optim::Optimizer& optimizer) {
  torch::serialize::OutputArchive archive;
  archive.write("identity", c10::IValue(identity));
  archive.write("reports", numbers_of(state.done));
  archive.write(
      "progress",
      at::tensor({static_cast<double>(state.step), state.loss, state.accuracy}, at::kDouble));
  int64_t number = 0;
  for (const auto& [_, weight] : module.weights()) {
    archive.write("weight" + std::to_string(number++), weight);
  }
  torch::serialize::OutputArchive inner;
  optimizer.save(inner);
  archive.write("optimizer", inner);
  // Into memory first: LibTorch ends the program when a stream fails under its writer.
  std::string content;
  archive.save_to([&](const void* data, size_t size) {
    content.append(static_cast<const char*>(data), size);
    return size;
  });
  std::error_code ignored;  // write_file says what is wrong
  fs::create_directories(folder, ignored);
  return write_file(file_in(folder), content);
}

Result<bool> load_checkpoint(const fs::path& folder, const std::string& identity, TrainState& state,
                             SegmentModule& module, torch::optim::Optimizer& optimizer) {
  const fs::path path = file_in(folder);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return false;
  const std::string context = fmt::format("checkpoint '{}'", printable(path.string(), 400));
  try {
    if (auto loaded = load(path, identity, state, module, optimizer); !loaded) {
      return with_context(loaded.error(), context);
    }
  } catch (const std::exception& error) {
    const std::string_view what = error.what();
    return invalid("{}: damaged: {}", context, printable(what.substr(0, what.find('\n')), 200));
  }
  return true;
}

}  // namespace cloister
