#include "train/checkpoint.h"

#include <torch/serialize.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/sha256.h"

namespace cloister {
namespace {

// The file: this line, the SHA-256 of what follows it, and LibTorch's archive, which itself notices
// damage only where it breaks the format.
constexpr std::string_view kMagic = "cloister checkpoint 1\n";
constexpr size_t kHeader = kMagic.size() + sizeof(Digest);

constexpr int64_t kFields = 5;  // of an epoch
constexpr int64_t kSums = 4;    // of the epoch that is not done

at::Tensor numbers_of(const std::vector<LoopEpoch>& epochs) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  at::Tensor out = at::empty({static_cast<int64_t>(epochs.size()), kFields}, at::kDouble);
  double* to = out.data_ptr<double>();
  for (const LoopEpoch& epoch : epochs) {
    *to++ = epoch.loss;
    *to++ = epoch.accuracy;
    *to++ = epoch.learning_rate;
    *to++ = epoch.validation_loss.value_or(kNone);
    *to++ = epoch.validation_score.value_or(kNone);
  }
  return out;
}

Result<std::vector<LoopEpoch>> epochs_of(const at::Tensor& numbers) {
  if (numbers.dim() != 2 || numbers.size(1) != kFields || numbers.scalar_type() != at::kDouble) {
    return invalid("damaged: epochs are of another shape or type");
  }
  std::vector<LoopEpoch> out;
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

std::string name_of(const char* what, size_t learner, size_t tensor = 0) {
  return fmt::format("{}{}_{}", what, learner, tensor);
}

std::string archive_of(const std::string& identity, const LoopState& state,
                       std::span<const Learner> learners) {
  torch::serialize::OutputArchive archive;
  archive.write("identity", c10::IValue(identity));
  archive.write("epochs", numbers_of(state.done));
  archive.write(
      "sums", at::tensor({static_cast<double>(state.step), state.loss, state.correct, state.weight},
                         at::kDouble));
  for (size_t i = 0; i < learners.size(); ++i) {
    for (size_t j = 0; j < learners[i].tensors.size(); ++j) {
      archive.write(name_of("tensor", i, j), learners[i].tensors[j]);
    }
    torch::serialize::OutputArchive optimizer;
    learners[i].optimizer->save(optimizer);
    archive.write(name_of("optimizer", i), optimizer);
  }
  // Into memory first: LibTorch ends the program when a stream fails under its writer.
  std::string content;
  archive.save_to([&](const void* data, size_t size) {
    content.append(static_cast<const char*>(data), size);
    return size;
  });
  return content;
}

// The archive within the file's bytes.
Result<Bytes> archive_in(Bytes file) {
  const Bytes magic = as_bytes(kMagic);
  if (file.size() < kHeader || !std::ranges::equal(file.first(magic.size()), magic)) {
    return invalid("damaged: not a checkpoint, or cut off");
  }
  const Digest found = sha256(file.subspan(kHeader));
  if (!std::ranges::equal(found, file.subspan(magic.size(), found.size()))) {
    return invalid("damaged: its bytes are not those that were written");
  }
  return file.subspan(kHeader);
}

// What a learner's tensors are to become.
Result<std::vector<at::Tensor>> tensors_in(torch::serialize::InputArchive& archive,
                                           const Learner& learner, size_t number) {
  std::vector<at::Tensor> values(learner.tensors.size());
  for (size_t j = 0; j < values.size(); ++j) {
    archive.read(name_of("tensor", number, j), values[j]);
    const at::Tensor& own = learner.tensors[j];
    if (values[j].sizes() != own.sizes() || values[j].scalar_type() != own.scalar_type()) {
      return invalid("damaged: tensor {} is of another shape or type", j);
    }
  }
  return values;
}

Result<LoopState> load(Bytes file, const std::string& identity, std::span<const Learner> learners) {
  TRY(content, archive_in(file));
  torch::serialize::InputArchive archive;
  archive.load_from(reinterpret_cast<const char*>(content.data()), content.size());
  c10::IValue saved;
  archive.read("identity", saved);
  if (saved.toStringRef() != identity) {
    return fail(Kind::kRefused, "it belongs to another model, other data or other options");
  }
  at::Tensor epochs, sums;
  archive.read("epochs", epochs);
  archive.read("sums", sums);
  TRY(done, epochs_of(epochs));
  if (sums.numel() != kSums) return invalid("damaged: {} sums, want {}", sums.numel(), kSums);
  LoopState state{std::move(done), static_cast<int64_t>(sums[0].item<double>()),
                  sums[1].item<double>(), sums[2].item<double>(), sums[3].item<double>()};
  // All is read before anything is replaced.
  std::vector<std::vector<at::Tensor>> values;
  std::vector<torch::serialize::InputArchive> optimizers(learners.size());
  for (size_t i = 0; i < learners.size(); ++i) {
    TRY(of_learner, tensors_in(archive, learners[i], i));
    values.push_back(std::move(of_learner));
    archive.read(name_of("optimizer", i), optimizers[i]);
  }
  const at::NoGradGuard no_gradients;
  for (size_t i = 0; i < learners.size(); ++i) {
    learners[i].optimizer->load(optimizers[i]);
    for (size_t j = 0; j < values[i].size(); ++j) {
      at::Tensor(learners[i].tensors[j]).copy_(values[i][j]);
    }
  }
  return state;
}

}  // namespace

Result<> save_checkpoint(const fs::path& path, const std::string& identity, const LoopState& state,
                         std::span<const Learner> learners) {
  const std::string archive = archive_of(identity, state, learners);
  const Digest digest = sha256(as_bytes(archive));
  std::error_code ignored;  // write_file says what is wrong
  fs::create_directories(path.parent_path(), ignored);
  return write_file(path, [&](std::ostream& out) -> Result<> {
    out << kMagic;
    out.write(reinterpret_cast<const char*>(digest.data()), digest.size());
    out << archive;
    return {};
  });
}

Result<std::optional<LoopState>> load_checkpoint(const fs::path& path, const std::string& identity,
                                                 std::span<const Learner> learners) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  TRY(file, MappedFile::open(path));
  const std::string context = fmt::format("checkpoint '{}'", printable(path.string(), 400));
  try {
    auto loaded = load(file->bytes(), identity, learners);
    if (!loaded) return with_context(loaded.error(), context);
    return *loaded;
  } catch (const std::exception& error) {
    const std::string_view what = error.what();
    return invalid("{}: damaged: {}", context, printable(what.substr(0, what.find('\n')), 200));
  }
}

}  // namespace cloister
