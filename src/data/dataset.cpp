#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace cloister::audit {
namespace {

constexpr size_t kMaxNamed = 100;

Result<> check(const SplitOptions& options) {
  double sum = 0;
  for (const double share : {options.attacker_train, options.attacker_validation, options.selection,
                             options.certification}) {
    if (!(share > 0 && share < 1)) {
      return fail(Kind::kUsage, "split: a share of {}, want more than 0 and less than 1", share);
    }
    sum += share;
  }
  if (sum > 1 + 1e-9) return fail(Kind::kUsage, "split: shares sum to {}, want at most 1", sum);
  return {};
}

Result<> check_labels(std::span<const Item> items) {
  std::set<int64_t> classes;
  size_t labelled = 0;
  const Item* unlabelled = nullptr;
  for (const Item& item : items) {
    if (item.label >= 0) {
      ++labelled;
      if (classes.size() < 2) classes.insert(item.label);
    } else {
      unlabelled = &item;
    }
  }
  if (labelled == 0) return {};
  if (labelled < items.size()) {
    return invalid("{} of {} inputs have a label ('{}' has none), want all or none", labelled,
                   items.size(), printable(unlabelled->id));
  }
  if (classes.size() < 2) {
    return invalid("all {} inputs are of class {}, want 2 classes or more, or no labels at all",
                   items.size(), *classes.begin());
  }
  return {};
}

// The inputs that differ, duplicates counted.
struct Different {
  std::vector<size_t> items;
  std::unordered_map<Digest, size_t, DigestHash> first;  // position of the one that is kept
};

template <typename Counts>
Result<Different> find_different(std::span<const Item> items, Counts& out) {
  Different different;
  std::unordered_set<std::string_view> ids;
  different.first.reserve(items.size());
  ids.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    if (!ids.insert(items[i].id).second) {
      return invalid("input '{}' occurs twice", printable(items[i].id));
    }
    const auto [at, is_new] = different.first.emplace(items[i].digest, i);
    if (is_new) {
      different.items.push_back(i);
    } else {
      ++out.duplicates;
      out.label_conflicts += items[at->second].label != items[i].label ? 1 : 0;
    }
  }
  return different;
}

// Positions of the kept inputs that the victim was trained on, or equal to one that it was.
std::unordered_set<size_t> find_victims(std::span<const Item> items, const Different& different,
                                        const VictimTrain& victim, Splits& out) {
  std::unordered_set<size_t> found;
  std::unordered_set<std::string_view> wanted(victim.ids.begin(), victim.ids.end());
  for (const Item& item : items) {
    if (wanted.erase(item.id) > 0) found.insert(different.first.at(item.digest));
  }
  for (const Digest& digest : victim.digests) {
    if (const auto at = different.first.find(digest); at != different.first.end()) {
      found.insert(at->second);
    }
  }
  out.victim_train = found.size();
  out.victim_train_not_found = wanted.size();
  return found;
}

// Sorted by SHA-256 of the seed and the content.
void shuffle(std::span<const Item> items, uint64_t seed, std::vector<size_t>& positions) {
  std::vector<std::pair<Digest, size_t>> keyed;
  keyed.reserve(positions.size());
  for (const size_t i : positions) {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(&seed, 1)));
    hash.update(items[i].digest);
    keyed.emplace_back(hash.finish(), i);
  }
  std::ranges::sort(keyed);
  for (size_t i = 0; i < keyed.size(); ++i) positions[i] = keyed[i].second;
}

std::string ids_sha256(std::span<const Item> items, const std::vector<size_t>& part) {
  std::vector<std::string_view> ids;
  for (const size_t i : part) ids.push_back(items[i].id);
  std::ranges::sort(ids);
  Sha256 hash;
  for (const std::string_view id : ids) {
    hash.update(as_bytes(id));
    hash.update(as_bytes("\n"));
  }
  return to_hex(hash.finish());
}

}  // namespace

Result<Splits> make_splits(std::span<const Item> items, const SplitOptions& options) {
  TRY_OK(check(options));
  TRY_OK(check_labels(items));
  Splits out;
  out.seed = options.seed;
  out.items = items.size();
  TRY(different, find_different(items, out));
  std::unordered_set<size_t> victims;
  if (options.victim_train) {
    victims = find_victims(items, different, *options.victim_train, out);
    out.victim_train_known = true;
  }
  std::vector<size_t> order = different.items;
  shuffle(items, options.seed, order);
  // What the victim never saw comes first; the parts that must not have seen it take from there.
  const auto seen =
      std::ranges::stable_partition(order, [&](size_t i) { return !victims.contains(i); });
  const size_t unseen = order.size() - seen.size();

  size_t taken = 0;
  const auto take = [&](std::string_view name, double share, uint64_t minimum, uint64_t maximum,
                        size_t limit, std::vector<size_t>& part) -> Result<> {
    auto wanted = static_cast<size_t>(std::floor(share * static_cast<double>(order.size()) + 1e-9));
    if (maximum > 0) wanted = std::min<size_t>(wanted, maximum);
    const size_t count = std::min(wanted, limit - taken);
    if (count < std::max<uint64_t>(minimum, 1)) {
      return invalid(
          "too few inputs: {} would get {} of {} different ones (the victim was trained on {} of "
          "them), want {} or more",
          name, count, order.size(), victims.size(), std::max<uint64_t>(minimum, 1));
    }
    part.assign(order.begin() + static_cast<ptrdiff_t>(taken),
                order.begin() + static_cast<ptrdiff_t>(taken + count));
    taken += count;
    return {};
  };
  TRY_OK(take("certification", options.certification, options.min_certification,
              options.max_certification, unseen, out.certification));
  TRY_OK(take("selection", options.selection, options.min_selection, options.max_selection, unseen,
              out.selection));
  TRY_OK(take("attacker-validation", options.attacker_validation, options.min_attacker_validation,
              options.max_attacker_validation, unseen, out.attacker_validation));
  TRY_OK(take("attacker-train", options.attacker_train, options.min_attacker_train,
              options.max_attacker_train, order.size(), out.attacker_train));
  out.unused = order.size() - taken;
  return out;
}

Result<Holdout> make_holdout(std::span<const Item> items, double validation, uint64_t seed) {
  if (!(validation >= 0 && validation < 1)) {
    return fail(Kind::kUsage, "a validation share of {}, want 0 or more and less than 1",
                validation);
  }
  TRY_OK(check_labels(items));
  Holdout out;
  TRY(different, find_different(items, out));
  std::vector<size_t> order = std::move(different.items);
  shuffle(items, seed, order);
  const auto count = static_cast<size_t>(validation * static_cast<double>(order.size()) + 1e-9);
  if (count == order.size() || (validation > 0 && count == 0)) {
    return invalid("{} different inputs are too few for a validation share of {}", order.size(),
                   validation);
  }
  const auto middle = order.begin() + static_cast<ptrdiff_t>(count);
  out.validation.assign(order.begin(), middle);
  out.training.assign(middle, order.end());
  return out;
}

std::string splits_json(const Source& source, std::span<const Item> items, const Splits& splits) {
  nlohmann::ordered_json root;
  root["schema"] = "cloister/splits/1";
  root["source"] = {{"kind", source.kind}, {"name", source.name}};
  if (!source.sha256.empty()) root["source"]["sha256"] = source.sha256;
  root["seed"] = splits.seed;
  root["inputs"] = splits.items;
  root["exact_duplicates_removed"] = source.removed_early;
  root["equal_inputs_removed"] = splits.duplicates;
  root["equal_inputs_with_other_labels"] = splits.label_conflicts;
  root["unused"] = splits.unused;
  root["victim_train"] = "unknown";
  if (splits.victim_train_known) {
    root["victim_train"] = {{"inputs", splits.victim_train},
                            {"not_found", splits.victim_train_not_found}};
  }
  auto& named = root["skipped"];
  named = {{"count", source.skipped.size()}, {"first", nlohmann::ordered_json::array()}};
  for (const Skip& skip :
       std::span(source.skipped).first(std::min(kMaxNamed, source.skipped.size()))) {
    named["first"].push_back({{"id", printable(skip.id)}, {"reason", printable(skip.reason, 400)}});
  }
  const std::pair<std::string_view, const std::vector<size_t>*> parts[] = {
      {"attacker-train", &splits.attacker_train},
      {"attacker-validation", &splits.attacker_validation},
      {"selection", &splits.selection},
      {"certification", &splits.certification}};
  for (const auto& [name, part] : parts) {
    root["parts"][std::string(name)] = {{"inputs", part->size()},
                                        {"ids_sha256", ids_sha256(items, *part)}};
  }
  return root.dump(2) + "\n";
}

}  // namespace cloister::audit
