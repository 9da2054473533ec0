#include "audit/attack/attackers.h"

namespace cloister::audit {
namespace {

// `first` is what the row's `start` names; null for rows without.
using Maker = std::shared_ptr<Attacker> (*)(std::shared_ptr<Attacker> first);

struct MakerRow {
  std::string_view name;
  Maker make;
};

// The rows of kAttackers, in its order.
constexpr auto kMakers = std::to_array<MakerRow>({
    {"inverse-net", [](auto) -> std::shared_ptr<Attacker> { return make_inverse_net(); }},
    {"cgan", [](auto) -> std::shared_ptr<Attacker> { return make_cgan(); }},
    {"retrieval", [](auto) -> std::shared_ptr<Attacker> { return make_retrieval(); }},
    {"rmle", [](auto) -> std::shared_ptr<Attacker> { return make_rmle(); }},
    {"rmle+net",
     [](auto first) -> std::shared_ptr<Attacker> { return make_rmle_from(std::move(first)); }},
});

static_assert(std::ranges::equal(kMakers, kAttackers, {}, &MakerRow::name, &AttackerInfo::name),
              "every attacker has a maker, in the same order");

}  // namespace

Result<std::shared_ptr<Attacker>> make_attacker(const AttackerInfo& info,
                                                const FitFirst& fit_first) {
  const auto row = std::ranges::find(kMakers, info.name, &MakerRow::name);
  if (row == kMakers.end()) {
    return fail(Kind::kInternal, "attacker '{}' has no maker", info.name);
  }
  std::shared_ptr<Attacker> first;
  if (!info.start.empty()) {
    TRY(start, known_attacker(info.start));
    TRY(fitted, fit_first(*start));
    first = std::move(fitted);
  }
  return row->make(std::move(first));
}

}  // namespace cloister::audit
