#include "audit/protocol/gallery.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "image/encode.h"

namespace cloister::audit {
namespace {

struct Picked {
  size_t input;
  const char* kind;
};

// By the highest score of any attacker. The typical ones come from the inputs that slow attackers
// attacked too, so that all can be seen.
std::vector<Picked> pick(const std::vector<double>& highest, size_t seen_by_all) {
  std::vector<size_t> order(highest.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return highest[a] < highest[b]; });
  const double median = highest[order[order.size() / 2]];
  std::vector<Picked> picked;
  std::vector<bool> taken(highest.size());
  const auto take = [&](size_t input, const char* kind) {
    if (taken[input]) return;
    taken[input] = true;
    picked.push_back({input, kind});
  };
  take(order.back(), "worst");
  if (order.size() > 1) take(order[order.size() - 2], "worst");
  std::vector<size_t> near(std::min(seen_by_all, highest.size()));
  std::iota(near.begin(), near.end(), size_t{0});
  std::ranges::stable_sort(near, [&](size_t a, size_t b) {
    return std::abs(highest[a] - median) < std::abs(highest[b] - median);
  });
  for (size_t i = 0; i < near.size() && picked.size() < 6; ++i) take(near[i], "typical");
  take(order.front(), "best");
  return picked;
}

// u8 [C,H,W] as a PNG of RGB.
Result<> write_png(const fs::path& path, at::Tensor picture, bool bgr) {
  if (bgr && picture.size(0) == 3) picture = picture.flip({0});
  TRY(pixels, from_torch(picture.permute({1, 2, 0}).contiguous()));
  TRY(png, encode_png(pixels.view()));
  return write_file(path, png);
}

}  // namespace

Result<std::vector<GalleryRow>> make_gallery(const AuditData& data, Metric metric,
                                             const CutRecord& cut, const WorkFolder& work,
                                             const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  std::map<std::string, at::Tensor> rebuilt;
  std::vector<double> highest(static_cast<size_t>(data.certification.size(0)), -1);
  size_t seen_by_all = highest.size();
  for (const AttackerRecord& attacker : cut.attackers) {
    const auto* scores = attacker.certification.scores(metric);
    const auto pictures = work.kept(cut.id, attacker.name);
    if (scores == nullptr || !pictures) continue;
    rebuilt.emplace(attacker.name, *pictures);
    seen_by_all = std::min(seen_by_all, scores->size());
    for (size_t i = 0; i < scores->size(); ++i) highest[i] = std::max(highest[i], (*scores)[i]);
  }
  if (rebuilt.empty()) return std::vector<GalleryRow>{};
  const bool bgr = data.space.preprocess.channels == Channels::kBgr;
  const std::string prefix = folder.filename().string() + "/";
  std::vector<GalleryRow> rows;
  for (const Picked& picked : pick(highest, seen_by_all)) {
    const auto position = static_cast<int64_t>(picked.input);
    GalleryRow row{picked.kind,
                   picked.input,
                   highest[picked.input],
                   fmt::format("{}input{}.png", prefix, picked.input),
                   {}};
    TRY_OK(write_png(folder.parent_path() / row.original,
                     data.inputs[data.certification[position].item<int64_t>()], bgr));
    for (const AttackerRecord& attacker : cut.attackers) {
      const auto found = rebuilt.find(attacker.name);
      if (found == rebuilt.end() || position >= found->second.size(0)) continue;
      std::string name = attacker.name;
      std::ranges::replace(name, '+', '-');
      const std::string file =
          fmt::format("{}{}-{}-input{}.png", prefix, cut.id, name, picked.input);
      TRY_OK(write_png(folder.parent_path() / file, found->second[position], bgr));
      row.reconstructions.push_back(
          {attacker.name, (*attacker.certification.scores(metric))[picked.input], file});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace cloister::audit
