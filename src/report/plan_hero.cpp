#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/bytes_text.h"
#include "report/html.h"
#include "report/plan_view.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using plan::Candidate;
using plan::Plan;

// Whether a cut would do, were it not for what it costs.
bool only_cost_is_in_the_way(const Plan& plan) {
  return std::ranges::any_of(plan.candidates, [](const Candidate& c) {
    return !is_reference(c) && std::ranges::none_of(c.refused, [](const plan::Reason& reason) {
      return is_of_leakage(reason.refusal);
    });
  });
}

bool nothing_is_known(const Plan& plan) {
  return std::ranges::all_of(plan.candidates, [](const Candidate& c) {
    return is_reference(c) || c.leakage.outcome == "not audited";
  });
}

std::string gain(const Plan& plan) {
  const Candidate& chosen = plan.choice();
  const Candidate* whole = all_trusted(plan);
  if (whole == nullptr) return "";
  switch (plan.policy.objective) {
    case plan::Objective::kTrustedMemory: {
      const double share =
          static_cast<double>(chosen.trusted_bytes) / static_cast<double>(whole->trusted_bytes);
      return std::isfinite(share) ? percent(share) + " of the trusted memory" : "";
    }
    case plan::Objective::kThroughput: {
      const double factor = chosen.throughput / whole->throughput;
      return std::isfinite(factor) ? fmt::format("{:.1f}× the throughput of all trusted", factor)
                                   : "";
    }
    case plan::Objective::kLatency:
      break;
  }
  const std::string words = speed_words(chosen.latency_ms, whole->latency_ms);
  return words.empty() ? "" : words + " all trusted";
}

// The device has no part in the trusted memory.
std::string memory_marks(Candidate candidate) {
  candidate.modelled = false;
  return marks(candidate);
}

// HTML, without a name: that is a stranger's.
std::string headline(const Plan& plan) {
  if (!is_reference(plan.choice())) {
    const std::string words = gain(plan);
    if (words.empty()) return "A cut that resisted was found";
    return fmt::format("A cut that resisted was found: {}{}", words,
                       plan.policy.objective == plan::Objective::kTrustedMemory
                           ? memory_marks(plan.choice())
                           : marks(plan.choice()));
  }
  constexpr const char* kWhole = "keep the whole model trusted";
  if (plan.safe_cut) return fmt::format("No cut that resisted does better: {}", kWhole);
  if (nothing_is_known(plan)) return fmt::format("No cut was audited: {}", kWhole);
  if (only_cost_is_in_the_way(plan))
    return fmt::format("No cut that resisted is good enough: {}", kWhole);
  return fmt::format("No cut resisted at this budget: {}", kWhole);
}

std::string figure(const std::string& number, const std::string& what, const std::string& more) {
  return fmt::format("<div><dt>{}</dt><dd><b>{}</b><span>{}</span></dd></div>\n", what, number,
                     more);
}

std::string leakage_figure(const Plan& plan) {
  const Candidate& chosen = plan.choice();
  if (is_all_trusted(chosen)) {
    return figure("none", "Leakage", "nothing leaves the trusted environment");
  }
  const auto& policy = plan.policy.leakage;
  const auto& [outcome, value, upper] = chosen.leakage;
  std::string what = "Leakage";
  std::string more = upper ? "at most " + number(*upper) : "no upper bound";
  if (policy) {
    what += fmt::format(", {} {}", statistic_name(policy->statistic),
                        escape(metric_name(policy->metric)));
    more += fmt::format(" with {} confidence, at this budget; the limit is {}",
                        percent(policy->confidence), number(policy->threshold));
  }
  return figure(value ? number(*value) : "–", what, more);
}

std::string figures(const Plan& plan) {
  const Candidate& chosen = plan.choice();
  const Candidate* whole = all_trusted(plan);
  const Candidate* open = all_untrusted(plan);
  std::string against;
  const auto compare = [&](const Candidate* reference, std::string_view what) {
    if (reference == nullptr || reference == &chosen) return;
    const std::string words = speed_words(chosen.latency_ms, reference->latency_ms);
    if (words.empty()) return;
    against +=
        fmt::format("<span>{} {} ({}){}</span>", words, what, ms_words(reference->latency_ms),
                    reference->modelled ? " " + tag("modelled") : "");
  };
  compare(whole, "all trusted");
  compare(open, "all untrusted, which hides nothing");
  const std::string note = marks(chosen);
  std::string out = fmt::format("<div><dt>Latency{}{}</dt><dd><b>{}</b>{}</dd></div>\n",
                                plan.batch == 1 ? "" : fmt::format(", batch of {}", plan.batch),
                                note, ms_words(chosen.latency_ms), against);
  out += leakage_figure(plan);
  out += figure(bytes_text(chosen.trusted_bytes), "Trusted memory" + memory_marks(chosen),
                whole != nullptr && whole != &chosen
                    ? fmt::format("all trusted takes {}", bytes_text(whole->trusted_bytes))
                    : "for the whole model");
  const double share = chosen.trusted_ms / chosen.latency_ms;
  out += figure(percent(share), "Trusted share of the time" + note,
                is_reference(chosen)
                    ? "no accelerator is used"
                    : fmt::format("{} trusted, {} on the link, {} on {}",
                                  ms_words(chosen.trusted_ms), ms_words(chosen.link_ms),
                                  ms_words(chosen.untrusted_ms), name(chosen.device, 40)));
  return "<dl class=\"figures\">\n" + out + "</dl>\n";
}

std::string placement(const Records& records) {
  const Candidate& chosen = records.plan->choice();
  const std::string link = linked_title(records, chosen);
  std::string out =
      shows_result(chosen)
          ? fmt::format(
                "<strong>The plan cuts the network at {}.</strong> Everything before it "
                "runs in the trusted environment; the rest runs on {}, which sees the "
                "numbers that cross but never the input. ",
                link, name(chosen.device, 40))
          : fmt::format(
                "<strong>The plan cuts the network at {}.</strong> What lies between runs "
                "on {}, which never sees the input nor computes the result; the rest runs "
                "in the trusted environment. ",
                link, name(chosen.device, 40));
  const audit::CutRecord* cut = audited(records, first_cut(chosen));
  if (cut != nullptr && cut->probe) {
    out += fmt::format(
        "It can still learn the class of an input: a label probe on the same "
        "numbers is right for {}, {} by guessing. ",
        percent(cut->probe->probe.accuracy), percent(cut->probe->probe.chance));
  }
  return out;
}

std::string tone(const Plan& plan) {
  if (plan.safe_cut) return "resisted";
  return nothing_is_known(plan) ? "inconclusive" : "exposed";
}

}  // namespace

std::string plan_hero(const Records& records, const std::string& tally) {
  const Plan& plan = *records.plan;
  return fmt::format(
      "<div class=\"hero {}\">\n<p class=\"kicker\">Plan · {}</p>\n<h1>{}</h1>\n"
      "<p class=\"lead\">{}</p>\n{}{}</div>\n",
      tone(plan), name(plan.model_file), headline(plan),
      is_reference(plan.choice()) ? escape(sentence(plan.why), 4000) : placement(records),
      figures(plan),
      tally.empty() ? "" : "<p class=\"note\">Of the cuts that were attacked:</p>\n" + tally);
}

}  // namespace cloister::report
