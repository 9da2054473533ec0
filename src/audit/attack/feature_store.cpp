#include "audit/attack/feature_store.h"

#include <nlohmann/json.hpp>

#include "audit/attack/input_kinds.h"
#include "base/checked.h"
#include "base/sha256.h"

namespace cloister::audit {
namespace {

constexpr int64_t kSample = 512;  // inputs that normalisation is fitted on

Shape item_shape(const at::Tensor& map) {
  Shape shape = map.sizes().vec();
  shape.erase(shape.begin());
  return shape;
}

// Axes that a channel's mean runs over: all but the channels'.
std::vector<int64_t> other_axes(const at::Tensor& map) {
  std::vector<int64_t> axes = {0};
  // [N,C,...]: by channel. [N,T,D]: tokens, by feature. [N,F]: by feature.
  if (map.dim() == 3) return {0, 1};
  for (int64_t axis = 2; axis < map.dim(); ++axis) axes.push_back(axis);
  return axes;
}

at::Tensor channels_last(const at::Tensor& map) {
  return map.dim() == 4 ? map.contiguous(at::MemoryFormat::ChannelsLast) : map.contiguous();
}

// fp16 has no larger number; what is that far out after normalisation is clamped.
at::Tensor to_half(const at::Tensor& map) {
  return map.clamp(-65504, 65504).to(at::kHalf);
}

Result<> check_finite(const Head& head, const Maps& maps, const at::Tensor& positions) {
  for (size_t i = 0; i < maps.size(); ++i) {
    const at::Tensor good = maps[i].reshape({maps[i].size(0), -1}).isfinite().all(1);
    if (good.all().item<bool>()) continue;
    const auto bad = good.logical_not().nonzero()[0][0].item<int64_t>();
    return invalid("feature map '{}' of input {} is not finite", printable(head.tensors()[i]),
                   positions[bad].item<int64_t>());
  }
  return {};
}

}  // namespace

// One file a tensor: fp16, one row an input in the order of `rows`, channels last.
struct FeatureStore::Cache {
  struct File {
    std::shared_ptr<const MappedFile> memory;
    at::Tensor rows;  // [used, elements], memory's
  };
  std::vector<File> files;
  at::Tensor row_of;  // i64 [N]: an input's row, -1 where it has none
};

FeatureStore::~FeatureStore() = default;

uint64_t FeatureStore::bytes(const std::vector<Shape>& shapes, uint64_t count) {
  uint64_t sum = 0;
  for (const Shape& shape : shapes) {
    uint64_t elements = 1;
    for (const int64_t dimension : shape) elements *= static_cast<uint64_t>(dimension);
    sum += 2 * elements * count;
  }
  return sum;
}

Result<std::shared_ptr<const FeatureStore>> FeatureStore::make(
    std::shared_ptr<const Head> head, at::Tensor inputs, const at::Tensor& used,
    const at::Tensor& sample, const FeatureStoreOptions& options, const ProgressCallback& tick) {
  const std::shared_ptr<FeatureStore> store(new FeatureStore);
  store->head_ = std::move(head);
  store->inputs_ = std::move(inputs);
  TRY_OK(store->fit_normalisation(sample.slice(0, 0, kSample)));
  const uint64_t wanted = bytes(store->shapes_, static_cast<uint64_t>(used.size(0)));
  if (!options.folder.empty() && wanted <= options.limit_bytes) {
    TRY_OK(store->open_cache(used, options, tick));
  }
  return store;
}

Result<> FeatureStore::fit_normalisation(const at::Tensor& sample) {
  const at::NoGradGuard no_gradients;
  std::vector<Maps> batches;
  for (int64_t first = 0; first < sample.size(0); first += 64) {
    const at::Tensor positions = sample.slice(0, first, first + 64);
    TRY(maps, exact(positions));
    TRY_OK(check_finite(*head_, maps, positions));
    batches.push_back(std::move(maps));
  }
  for (size_t i = 0; i < head_->tensors().size(); ++i) {
    Maps parts;
    for (const Maps& maps : batches) parts.push_back(maps[i]);
    const at::Tensor all = at::cat(parts);
    shapes_.push_back(item_shape(all));
    const auto axes = other_axes(all);
    const at::Tensor centre = all.mean(axes, true);
    const at::Tensor spread = (all - centre).square().mean(axes, true).sqrt();
    // A channel that hardly moves is not blown up.
    const at::Tensor floor = (spread.max() * 1e-3).clamp_min(1e-12);
    centre_.push_back(centre);
    spread_.push_back(at::maximum(spread, floor));
  }
  return {};
}

at::Tensor FeatureStore::inputs(const at::Tensor& positions) const {
  const at::Tensor picked = inputs_.index_select(0, positions).to(head_->device());
  return channels_last(operations_of(head_->space()).from_stored(picked));
}

Result<Maps> FeatureStore::exact(const at::Tensor& positions) const {
  const at::NoGradGuard no_gradients;
  return head_->run(inputs(positions));
}

Maps FeatureStore::normalise(const Maps& maps) const {
  Maps result;
  for (size_t i = 0; i < maps.size(); ++i) result.push_back((maps[i] - centre_[i]) / spread_[i]);
  return result;
}

Result<Maps> FeatureStore::computed(const at::Tensor& positions) const {
  TRY(maps, exact(positions));
  TRY_OK(check_finite(*head_, maps, positions));
  Maps result = normalise(maps);
  for (at::Tensor& map : result) map = channels_last(to_half(map));
  return result;
}

Result<Maps> FeatureStore::normalised(const at::Tensor& positions) const {
  if (!cache_) return computed(positions);
  const at::Tensor rows = cache_->row_of.index_select(0, positions);
  if ((rows < 0).any().item<bool>()) return fail(Kind::kInternal, "an input without features");
  Maps maps;
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const at::Tensor picked = cache_->files[i].rows.index_select(0, rows).to(head_->device());
    const Shape& shape = shapes_[i];
    if (shape.size() == 3) {
      maps.push_back(picked.reshape({-1, shape[1], shape[2], shape[0]}).permute({0, 3, 1, 2}));
    } else {
      Shape with_batch = {-1};
      with_batch.insert(with_batch.end(), shape.begin(), shape.end());
      maps.push_back(picked.reshape(with_batch));
    }
  }
  return maps;
}

namespace {

// The name of tensor `i`'s file, and of the note beside it that says what it holds.
fs::path map_file(const fs::path& folder, size_t i) {
  return folder / fmt::format("map{}.f16", i);
}
fs::path map_note(const fs::path& folder, size_t i) {
  return folder / fmt::format("map{}.json", i);
}

std::string note_text(const std::string& key, const Shape& shape, int64_t rows,
                      const std::string& sha256) {
  const nlohmann::ordered_json note{{"schema", "cloister/features/1"},
                                    {"key", key},
                                    {"shape", shape},
                                    {"rows", rows},
                                    {"sha256", sha256}};
  return note.dump(2) + "\n";
}

// The file when it is what its note says, and the note what is wanted; null otherwise.
std::shared_ptr<const MappedFile> open_kept(const fs::path& folder, size_t i,
                                            const std::string& key, const Shape& shape,
                                            int64_t rows) {
  const auto note = read_file(map_note(folder, i), 1 << 16);
  auto file = MappedFile::open(map_file(folder, i));
  if (!note || !file) return nullptr;
  const std::string digest = to_hex(sha256((*file)->bytes()));
  return *note == note_text(key, shape, rows, digest) ? *file : nullptr;
}

struct MapWriter {
  std::ofstream out;
  Sha256 digest;
};

}  // namespace

Result<> FeatureStore::open_cache(const at::Tensor& used, const FeatureStoreOptions& options,
                                  const ProgressCallback& tick) {
  const size_t tensors = shapes_.size();
  const int64_t count = used.size(0);
  const auto open_all = [&]() -> std::unique_ptr<Cache> {
    auto cache = std::make_unique<Cache>();
    for (size_t i = 0; i < tensors; ++i) {
      auto file = open_kept(options.folder, i, options.key, shapes_[i], count);
      if (!file) return nullptr;
      const int64_t elements = static_cast<int64_t>(bytes({shapes_[i]}, 1) / 2);
      if (file->bytes().size() != static_cast<uint64_t>(2 * elements * count)) return nullptr;
      // LibTorch has no tensors of const memory; nobody writes to this one.
      auto* data = const_cast<std::byte*>(file->bytes().data());
      cache->files.push_back({file, at::from_blob(data, {count, elements}, at::kHalf)});
    }
    cache->row_of = at::full({inputs_.size(0)}, -1, at::kLong);
    cache->row_of.index_copy_(0, used, at::arange(count, at::kLong));
    return cache;
  };
  cache_ = open_all();
  if (cache_) return {};

  std::error_code code;
  fs::create_directories(options.folder, code);
  std::vector<std::unique_ptr<MapWriter>> writers;
  for (size_t i = 0; i < tensors; ++i) {
    fs::remove(map_note(options.folder, i), code);
    writers.push_back(std::make_unique<MapWriter>());
    writers.back()->out.open(map_file(options.folder, i), std::ios::binary | std::ios::trunc);
  }
  bool written = true;
  for (int64_t first = 0; first < count && written; first += options.batch) {
    const at::Tensor positions = used.slice(0, first, first + options.batch);
    TRY(maps, computed(positions));
    for (size_t i = 0; i < tensors; ++i) {
      const at::Tensor rows =
          (maps[i].dim() == 4 ? maps[i].permute({0, 2, 3, 1}) : maps[i]).cpu().contiguous();
      const Bytes data(static_cast<const std::byte*>(rows.data_ptr()), rows.nbytes());
      writers[i]->out.write(reinterpret_cast<const char*>(data.data()),
                            static_cast<std::streamsize>(data.size()));
      writers[i]->digest.update(data);
      written = written && writers[i]->out.good();
    }
    TRY_OK(tick(static_cast<double>(first + positions.size(0)) / static_cast<double>(count),
                "feature maps"));
  }
  for (size_t i = 0; i < tensors && written; ++i) {
    writers[i]->out.close();
    written = writers[i]->out.good() && write_file(map_note(options.folder, i),
                                                   note_text(options.key, shapes_[i], count,
                                                             to_hex(writers[i]->digest.finish())))
                                            .has_value();
  }
  if (written) cache_ = open_all();
  if (!cache_) {
    for (size_t i = 0; i < tensors; ++i) fs::remove(map_file(options.folder, i), code);
    note_ = fmt::format(
        "feature maps could not be stored in '{}' ({} bytes needed): they are recomputed "
        "whenever "
        "they are needed",
        printable(options.folder.string(), 400), bytes(shapes_, static_cast<uint64_t>(count)));
  }
  return {};
}

}  // namespace cloister::audit
