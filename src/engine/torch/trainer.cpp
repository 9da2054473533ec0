#include "engine/torch/trainer.h"

#include <torch/optim.h>
#include <torch/serialize.h>
#include <torch/utils.h>

#include <cmath>
#include <numbers>

#include "engine/torch/convert.h"

namespace cloister {
namespace {

struct Data {
  at::Tensor inputs;
  at::Tensor labels;
  int64_t count() const { return inputs.size(0); }
};

Result<Data> prepare(const SegmentModule& module, const TensorView& inputs,
                     const TensorView& labels, Loss loss) {
  if (module.inputs().size() != 1) {
    return fail(Kind::kUnsupported, "the model has {} inputs, want 1", module.inputs().size());
  }
  if (inputs.shape.empty() || labels.shape.empty() || inputs.shape[0] != labels.shape[0]) {
    return invalid("inputs are {}, labels {}: the first extents must be the same",
                   shape_text(inputs.shape), shape_text(labels.shape));
  }
  if (inputs.shape[0] == 0) return invalid("no samples");
  TRY(x, borrow_torch(inputs));
  TRY(y, borrow_torch(labels));
  if (x.is_floating_point() && !x.isfinite().all().item<bool>()) {
    return invalid("inputs that are not finite");
  }
  if (loss == Loss::kMse) return Data{x, y.to(at::kFloat)};
  if (y.dim() != 1 || y.is_floating_point()) {
    return invalid("labels are {}{}, want one integer class a sample", dtype_name(labels.dtype),
                   shape_text(labels.shape));
  }
  return Data{x, y.to(at::kLong)};
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const SegmentModule& module,
                                                        const TrainOptions& options) {
  if (options.optimizer == Optimizer::kAdam) {
    return std::make_unique<torch::optim::Adam>(
        module.parameters(),
        torch::optim::AdamOptions(options.learning_rate).weight_decay(options.weight_decay));
  }
  return std::make_unique<torch::optim::SGD>(module.parameters(),
                                             torch::optim::SGDOptions(options.learning_rate)
                                                 .momentum(options.momentum)
                                                 .weight_decay(options.weight_decay));
}

// What a checkpoint must agree on with the run that goes on from it.
std::string identity(const TrainOptions& o) {
  return fmt::format("1 {} {} {} {} {} {} {} {} {} {}", static_cast<int>(o.loss),
                     static_cast<int>(o.optimizer), static_cast<int>(o.schedule), o.learning_rate,
                     o.momentum, o.weight_decay, o.epochs, o.batch, o.seed, o.identity);
}

class Trainer {
 public:
  Trainer(SegmentModule& module, Data data, const TrainOptions& options)
      : module_(module),
        data_(std::move(data)),
        options_(options),
        optimizer_(make_optimizer(module, options)) {}

  Result<std::vector<EpochReport>> run(const std::function<void(const EpochReport&)>& report) {
    if (options_.resume) TRY_OK(load());
    while (static_cast<int64_t>(done_.size()) < options_.epochs) {
      module_.train();
      auto epoch = run_epoch(static_cast<int64_t>(done_.size()));
      module_.eval();
      if (!epoch) return std::unexpected(epoch.error());
      done_.push_back(*epoch);
      if (!options_.checkpoint.empty()) TRY_OK(save());
      report(*epoch);
    }
    return done_;
  }

 private:
  int64_t steps_per_epoch() const { return (data_.count() + options_.batch - 1) / options_.batch; }

  double learning_rate(int64_t step) const {
    if (options_.schedule == Schedule::kConstant) return options_.learning_rate;
    const auto all = static_cast<double>(steps_per_epoch() * options_.epochs);
    return options_.learning_rate *
           (1 + std::cos(std::numbers::pi * static_cast<double>(step) / all)) / 2;
  }

  Result<EpochReport> run_epoch(int64_t epoch) {
    // By epoch, so that a resumed run draws what an uninterrupted one would have.
    torch::manual_seed(options_.seed * 1000003 + static_cast<uint64_t>(epoch));
    const at::Tensor order = at::randperm(data_.count(), at::kLong);
    EpochReport result{.epoch = epoch + 1};
    for (int64_t i = 0; i < steps_per_epoch(); ++i) {
      result.learning_rate = learning_rate(epoch * steps_per_epoch() + i);
      const int64_t first = i * options_.batch;
      const at::Tensor picked =
          order.slice(0, first, std::min(first + options_.batch, data_.count()));
      TRY_OK(run_step(picked, result));
    }
    const auto count = static_cast<double>(data_.count());
    result.loss /= count;
    result.accuracy /= count;
    return result;
  }

  Result<> run_step(const at::Tensor& picked, EpochReport& result) {
    const at::Device device =
        module_.parameters().empty() ? at::Device(at::kCPU) : module_.parameters()[0].device();
    const at::Tensor x = data_.inputs.index_select(0, picked).to(device);
    const at::Tensor y = data_.labels.index_select(0, picked).to(device);
    for (auto& group : optimizer_->param_groups()) group.options().set_lr(result.learning_rate);
    optimizer_->zero_grad();
    TRY(outputs, module_.forward(std::vector<at::Tensor>{x}));
    TRY(loss, loss_of(outputs.at(0), y, result));
    const double value = loss.item().toDouble();
    if (!std::isfinite(value)) {
      return invalid("the loss of epoch {} is {}: try a smaller learning rate", result.epoch,
                     value);
    }
    loss.backward();
    optimizer_->step();
    result.loss += value * static_cast<double>(picked.size(0));
    return {};
  }

  Result<at::Tensor> loss_of(const at::Tensor& output, const at::Tensor& labels,
                             EpochReport& result) const {
    if (options_.loss == Loss::kMse) {
      if (output.sizes() != labels.sizes()) {
        return invalid("the output is {}, the labels are {}", shape_text(output.sizes().vec()),
                       shape_text(labels.sizes().vec()));
      }
      return at::mse_loss(output, labels);
    }
    if (output.dim() != 2 || output.size(0) != labels.size(0)) {
      return invalid("the output is {}, want [{},classes]", shape_text(output.sizes().vec()),
                     labels.size(0));
    }
    if (labels.min().item<int64_t>() < 0 || labels.max().item<int64_t>() >= output.size(1)) {
      return invalid("labels from {} to {}, the model has {} classes", labels.min().item<int64_t>(),
                     labels.max().item<int64_t>(), output.size(1));
    }
    result.accuracy += (output.argmax(1) == labels).sum().item().toDouble();
    return at::cross_entropy_loss(output, labels);
  }

  fs::path path() const { return options_.checkpoint / "checkpoint.pt"; }

  Result<> save() {
    torch::serialize::OutputArchive archive;
    archive.write("identity", c10::IValue(identity(options_)));
    at::Tensor reports = at::empty({static_cast<int64_t>(done_.size()), 3}, at::kDouble);
    for (size_t i = 0; i < done_.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      reports[row][0] = done_[i].loss;
      reports[row][1] = done_[i].accuracy;
      reports[row][2] = done_[i].learning_rate;
    }
    archive.write("reports", reports);
    int64_t number = 0;
    for (const auto& [_, weight] : module_.weights()) {
      archive.write("weight" + std::to_string(number++), weight);
    }
    torch::serialize::OutputArchive state;
    optimizer_->save(state);
    archive.write("optimizer", state);
    std::error_code code;
    fs::create_directories(options_.checkpoint, code);
    return write_file(path(), [&](std::ostream& out) -> Result<> {
      archive.save_to(out);
      return {};
    });
  }

  Result<> load() {
    if (!fs::exists(path())) return {};
    torch::serialize::InputArchive archive;
    archive.load_from(path().string());
    c10::IValue saved;
    archive.read("identity", saved);
    if (saved.toStringRef() != identity(options_)) {
      return fail(Kind::kRefused, "'{}' is of another model, other data or other options",
                  printable(path().string(), 400));
    }
    at::Tensor reports;
    archive.read("reports", reports);
    done_.clear();
    for (int64_t row = 0; row < reports.size(0); ++row) {
      done_.push_back({row + 1, reports[row][0].item<double>(), reports[row][1].item<double>(),
                       reports[row][2].item<double>()});
    }
    const at::NoGradGuard no_gradients;
    int64_t number = 0;
    for (const auto& [_, weight] : module_.weights()) {
      at::Tensor value;
      archive.read("weight" + std::to_string(number++), value);
      at::Tensor(weight).copy_(value);
    }
    torch::serialize::InputArchive state;
    archive.read("optimizer", state);
    optimizer_->load(state);
    return {};
  }

  SegmentModule& module_;
  Data data_;
  TrainOptions options_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::vector<EpochReport> done_;
};

}  // namespace

Result<std::vector<EpochReport>> train(SegmentModule& module, const TensorView& inputs,
                                       const TensorView& labels, const TrainOptions& options,
                                       const std::function<void(const EpochReport&)>& report) {
  if (options.epochs < 1 || options.batch < 1 || !(options.learning_rate > 0)) {
    return fail(Kind::kUsage, "{} epochs, batches of {}, learning rate {}: want more than 0",
                options.epochs, options.batch, options.learning_rate);
  }
  if (module.parameters().empty()) return invalid("the model has nothing to train");
  try {
    TRY(data, prepare(module, inputs, labels, options.loss));
    return Trainer(module, std::move(data), options).run(report);
  } catch (const c10::Error& error) {
    return fail(Kind::kInvalid, "LibTorch: {}", printable(error.what_without_backtrace(), 400));
  } catch (const std::exception& error) {
    return fail(Kind::kInternal, "LibTorch: {}", printable(error.what(), 400));
  }
}

}  // namespace cloister
