#include "plan/explain.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes_text.h"
#include "plan/words.h"

namespace cloister::plan {
namespace {

constexpr size_t kMostNote = 600;
constexpr size_t kMostNotes = 100;  // of the profile

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

// Without the batch.
Shape item_shape(const Shape& shape) {
  return shape.empty() ? shape : Shape(shape.begin() + 1, shape.end());
}

class Teller {
 public:
  Teller(const Situation& situation, const std::vector<Candidate>& candidates, size_t chosen)
      : situation_(situation),
        policy_(situation.policy),
        leakage_(*situation.policy.leakage),
        candidates_(candidates),
        choice_(candidates[chosen]) {}

  // "Cut c7 (after 32 % of the work) on gpu: 4.1x faster than all trusted, ..."
  std::string cut() const {
    const LeakageOfCut& leakage = choice_.leakage;
    std::string text = fmt::format("{}: {} all trusted", cut_name(),
                                   compared_to(policy_.objective, choice_, candidates_[0]));
    const auto whole = std::ranges::find_if(candidates_, [this](const Candidate& c) {
      return is_all_untrusted(c) && c.device == choice_.device;
    });
    if (whole != candidates_.end()) {
      text += fmt::format(", {} all untrusted", compared_to(policy_.objective, choice_, *whole));
    }
    // What is admissible has both numbers: it resisted.
    return text + fmt::format(
                      "; at this budget its leakage ({}) was {} with an upper bound of {}, "
                      "within the limit of {}.",
                      metric_words(leakage_), leakage_words(leakage.value.value_or(0)),
                      leakage_words(leakage.upper.value_or(0)), limit_words(leakage_.threshold));
  }

  // Cuts are admissible, and yet none is worth it.
  std::string no_gain() const {
    size_t best = 0;
    std::vector<std::string_view> cuts;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      const Candidate& c = candidates_[i];
      if (!has_cut(c) || !c.admissible()) continue;
      if (cuts.empty() || cuts.back() != first_cut(c)) cuts.push_back(first_cut(c));
      if (best == 0 || better(policy_.objective, candidates_, i, best)) best = i;
    }
    return fmt::format(
        "All trusted: {} of {} cuts may be served, but none is better: {}, the best "
        "of them, is {} all trusted.",
        cuts.size(), situation_.leakage.size(), name_of(candidates_[best]),
        compared_with_verb(candidates_[best]));
  }

  // No cut is admissible.
  std::string fallback() const {
    std::string text = "All trusted, since no cut may be served: " + counts() + ".";
    const CutLeakage* nearest = nullptr;
    for (const CutLeakage& known : situation_.leakage) {
      const bool leaks = known.refused && (known.refused->refusal == Refusal::kExposed ||
                                           known.refused->refusal == Refusal::kUndecided);
      if (!leaks || !known.leakage.upper) continue;
      if (nearest != nullptr && *nearest->leakage.upper <= *known.leakage.upper) continue;
      nearest = &known;
    }
    if (nearest != nullptr) {
      const auto& cut = situation_.profile.cuts[nearest - situation_.leakage.data()];
      text += fmt::format(" The nearest is cut {}: {}.", printable(cut.id), nearest->refused->why);
    }
    if (!choice_.admissible()) {
      std::vector<std::string> reasons;
      for (const Reason& reason : choice_.refused) reasons.push_back(reason.why);
      text += fmt::format(" Running all trusted does not meet the policy either: {}.",
                          fmt::join(reasons, "; "));
    }
    return text;
  }

 private:
  std::string cut_name() const {
    const auto share_of = [this](const std::string& id) {
      const auto& cuts = situation_.profile.cuts;
      const auto cut = std::ranges::find(cuts, id, &profile::CutCost::id);
      return fmt::format("{:.0f} %", 100 * cut->macs_share);
    };
    std::vector<std::string> shares;
    for (const std::string& cut : cuts_between(choice_.segments)) shares.push_back(share_of(cut));
    const std::string device = printable(choice_.device);
    if (shares.size() == 1) {
      return fmt::format("Cut {} (after {} of the work) on {}", cuts_text(choice_), shares[0],
                         device);
    }
    return fmt::format("Cuts {} (what is between {} of the work) on {}{}", cuts_text(choice_),
                       fmt::join(shares, " and "), device,
                       shows_result(choice_) ? "" : ", with a trusted tail");
  }

  std::string compared_with_verb(const Candidate& c) const {
    const std::string text = compared_to(policy_.objective, c, candidates_[0]);
    return policy_.objective == Objective::kLatency ? text : "at " + text;
  }

  // Why not to begin the body at this cut, wherever it ends.
  const std::optional<Reason>& least_refused(size_t i) const {
    const CutLeakage& known = situation_.leakage[i];
    const auto& cuts = situation_.profile.cuts;
    const bool can_end_before = i + 1 < cuts.size() && cuts[i + 1].position <= known.exposed_to;
    return known.refused_unexposed && can_end_before ? known.refused_unexposed : known.refused;
  }

  // "of 12 cuts 3 are exposed, 2 undecided and 7 not audited"
  std::string counts() const {
    if (situation_.profile.devices.empty()) return "the profile has no device to run a body on";
    if (situation_.leakage.empty()) return "the profile has no cut";
    struct Count {
      Refusal refusal;
      std::string_view what;
      size_t count = 0;
    };
    Count counts[] = {{Refusal::kInputSeen, "give the input away by construction"},
                      {Refusal::kExposed, "exposed"},
                      {Refusal::kUndecided, "undecided"},
                      {Refusal::kNotAudited, "not audited"}};
    size_t resisted = 0;
    for (size_t i = 0; i < situation_.leakage.size(); ++i) {
      const std::optional<Reason>& refused = least_refused(i);
      resisted += refused ? 0 : 1;
      for (Count& count : counts) {
        count.count += refused && refused->refusal == count.refusal ? 1 : 0;
      }
    }
    std::vector<std::string> parts;
    for (const Count& count : counts) {
      if (count.count > 0) parts.push_back(fmt::format("{} {}", count.count, count.what));
    }
    if (resisted > 0) {
      parts.push_back(fmt::format("{} resisted but {} the policy's other limits", resisted,
                                  resisted == 1 ? "misses" : "miss"));
    }
    return fmt::format("of {} cut{}, {}", situation_.leakage.size(),
                       situation_.leakage.size() == 1 ? "" : "s", fmt::join(parts, ", "));
  }

  const Situation& situation_;
  const PlanPolicy& policy_;
  const audit::Policy& leakage_;
  const std::vector<Candidate>& candidates_;
  const Candidate& choice_;
};

}  // namespace

std::string why_chosen(const Situation& situation, const std::vector<Candidate>& candidates,
                       size_t chosen, bool safe_cut) {
  const Teller teller(situation, candidates, chosen);
  if (has_cut(candidates[chosen])) return capital(teller.cut());
  return safe_cut ? teller.no_gain() : teller.fallback();
}

std::vector<std::string> notes_on(const Situation& situation, const AuditEvidence& audit,
                                  const std::vector<Candidate>& candidates, size_t chosen) {
  const profile::ProfileRecord& profile = situation.profile;
  const Candidate& choice = candidates[chosen];
  std::vector<std::string> notes;
  if (!audit.missing.empty()) notes.push_back(audit.missing + ": no cut qualifies");
  if (audit.scores && has_cut(choice) &&
      item_shape(audit.input_shape) != item_shape(profile.input_shape)) {
    notes.push_back(fmt::format(
        "the audit attacked inputs of {}, the profile ran {}: leakage at one size proves nothing "
        "about another",
        shape_text(item_shape(audit.input_shape)), shape_text(item_shape(profile.input_shape))));
  }
  if (!profile.public_inputs.empty()) {
    std::vector<std::string> names;
    for (const std::string& name : profile.public_inputs) {
      if (names.size() < kMostNotes) names.push_back("'" + printable(name) + "'");
    }
    notes.push_back(
        fmt::format("--public: {} may be seen by the accelerator", fmt::join(names, ", ")));
  }
  if (choice.modelled) {
    notes.push_back(
        fmt::format("the times on {} are modelled, not measured: they are the shortest possible",
                    printable(choice.device)));
  }
  if (choice.segments.size() > 2) {
    notes.push_back("the body's time is the difference between those of its two cuts");
  } else if (!choice.measured) {
    notes.push_back(fmt::format("cut {} was not measured itself: its costs are interpolated",
                                cuts_text(choice)));
  }
  const auto device = std::ranges::find(profile.devices, choice.device, &profile::Device::name);
  if (device != profile.devices.end() && device->overlaps) {
    notes.push_back(
        "the throughput assumes many requests at once: head and body of different requests "
        "overlap");
  }
  const auto& limit = profile.settings.trusted_limit_bytes;
  if (limit && choice.trusted_bytes > *limit) {
    notes.push_back(fmt::format(
        "it takes {} of trusted memory, and the profile was made for {}: it will be slower",
        bytes_text(choice.trusted_bytes), bytes_text(*limit)));
  }
  for (size_t i = 0; i < std::min(profile.notes.size(), kMostNotes); ++i) {
    notes.push_back("profile: " + printable(profile.notes[i], kMostNote));
  }
  return notes;
}

}  // namespace cloister::plan
