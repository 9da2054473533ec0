#include <fmt/format.h>

#include <cmath>

#include "base/bytes_text.h"
#include "report/audit_view.h"
#include "report/html.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using audit::CutRecord;
using audit::Outcome;
using Json = nlohmann::ordered_json;

struct Headline {
  std::string tone;  // class of the hero: an outcome's
  std::string text;
  std::string more;
};

const CutRecord* first_resisted(const AuditView& view) {
  for (const CutRecord& cut : view.record().cuts) {
    if (cut.verdict && cut.verdict->outcome == Outcome::kResisted) return &cut;
  }
  return nullptr;
}

Headline headline(const AuditView& view) {
  const size_t all = view.record().cuts.size();
  const size_t resisted = view.count(Outcome::kResisted);
  const std::string threshold = threshold_words(view.policy());
  if (all == 0 || !view.judged()) {
    return {"inconclusive", "Not judged yet",
            "The attacks were run; no policy has been applied to what they found."};
  }
  if (const CutRecord* cut = first_resisted(view)) {
    return {"resisted",
            fmt::format("{} of {} resisted at {}", resisted, count(all, "cut", "cuts"), threshold),
            fmt::format("<strong>The shallowest that did is <a href=\"#cut-{0}\">{1}</a></strong>: "
                        "{2} of the work stays trusted, {3} cross. {4}",
                        escape(cut->id), name(cut->id), percent(cut->macs_share),
                        bytes_text(cut->bytes), escape(sentence(cut->verdict->sentence), 4000))};
  }
  if (const size_t unsure = view.count(Outcome::kInconclusive); unsure > 0) {
    return {
        "inconclusive", fmt::format("No cut was shown to resist at {}", threshold),
        fmt::format(
            "For {} of {} neither resistance nor leakage could be shown; each cut says why. The "
            "default is to keep the whole model trusted.",
            unsure, count(all, "cut", "cuts"))};
  }
  return {"exposed", fmt::format("No cut resisted at {}", threshold),
          "At every cut the attackers rebuilt more than the threshold allows, or the input itself "
          "crosses. The default is to "
          "keep the whole model trusted."};
}

// A bound that charts can draw; null when there is none.
Json bound(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json cut_data(const AuditView& view) {
  Json cuts = Json::array();
  for (const CutRecord& cut : view.record().cuts) {
    Json& out = cuts.emplace_back();
    out = {{"cut", cut.id}, {"share", cut.macs_share}, {"bytes", bytes_text(cut.bytes)}};
    out["outcome"] = cut.verdict ? audit::to_string(cut.verdict->outcome) : "not judged";
    out["value"] = nullptr;
    if (!cut.verdict || !cut.verdict->scored) continue;
    out["value"] = cut.verdict->leakage.value;
    out["lower"] = bound(cut.verdict->leakage.bounds.lower);
    out["upper"] = bound(cut.verdict->leakage.bounds.upper);
  }
  return cuts;
}

Json attacker_data(const AuditView& view) {
  Json points = Json::array();
  for (const CutRecord& cut : view.record().cuts) {
    for (const audit::AttackerRecord& attacker : cut.attackers) {
      const auto value = view.value_of(attacker);
      if (!value) continue;
      points.push_back({{"cut", cut.id}, {"attacker", attacker.name}, {"value", *value}});
    }
  }
  return points;
}

// What each chart wants: the cuts, and where threshold, floor and the ends of the axis are.
Json chart_data(const AuditView& view) {
  Json data;
  data["metric"] = metric_name(view.policy().metric);
  data["statistic"] = statistic_name(view.policy().statistic);
  data["threshold"] = view.policy().threshold;
  data["floor"] = view.floor() ? Json(*view.floor()) : Json();
  data["domain"] = {view.lowest(), view.highest()};
  data["cuts"] = cut_data(view);
  return data;
}

}  // namespace

std::string tally(const AuditView& view) {
  std::string out;
  for (const Outcome outcome : {Outcome::kResisted, Outcome::kInconclusive, Outcome::kExposed}) {
    out += fmt::format("<li><b>{}</b> {}</li>\n", view.count(outcome), badge(outcome));
  }
  return "<ul class=\"tally\">\n" + out + "</ul>\n";
}

std::string audit_hero(const AuditView& view) {
  const audit::AuditRecord& record = view.record();
  const Headline found = headline(view);
  std::string facts = fact("Model", name(record.model.file));
  facts += fact("Held-out inputs", fmt::format("{}", view.inputs()));
  facts += fact("Leakage", fmt::format("{} {}", statistic_name(view.policy().statistic),
                                       metric_name(view.policy().metric)));
  facts += fact("Budget", escape(record.settings.budget));
  return fmt::format(
      "<div class=\"hero {}\">\n<p class=\"kicker\">Leakage audit · {}</p>\n<h1>{}</h1>\n"
      "<p class=\"lead\">{}</p>\n{}<dl class=\"facts\">\n{}</dl>\n</div>\n",
      found.tone, name(record.model.file), escape(found.text), found.more,
      view.judged() ? tally(view) : "", facts);
}

Section leakage_section(const AuditView& view, Page& page) {
  const std::string metric = metric_name(view.policy().metric);
  std::string html = fmt::format(
      "<p class=\"intro\">The part of the model before the cut runs in a trusted environment; the "
      "accelerator sees the numbers that cross it, the <em>feature map</em>. Attackers tried to "
      "rebuild inputs from those numbers alone. Leakage is how close they came, in <strong>{}"
      "</strong>. {} A cut's leakage includes that of all deeper cuts, since anybody who "
      "sees its feature map can compute theirs.</p>\n<div class=\"charts\">\n",
      escape(metric), escape(metric_meaning(view.policy().metric)));
  Json depth = chart_data(view);
  depth["attackers"] = attacker_data(view);
  html += page.chart(
      "depth", std::move(depth),
      "<b>Leakage against depth.</b> From the first cut to the last. Thick: the worst over all "
      "attackers, at this cut or deeper, with its interval. Thin: each attacker alone. Floor: what "
      "a guess without the feature map reaches.",
      "Chart: leakage of each cut from shallow to deep, with floor and threshold. The table of "
      "cuts has the same numbers.");
  html += page.chart(
      "cost", chart_data(view),
      "<b>Leakage against cost.</b> To the right more of the work (multiply-accumulates) stays in "
      "the trusted part, which is slower; below the line less leaks than the policy allows.",
      "Chart: leakage of each cut over the share of the work before it. The table of cuts has the "
      "same numbers.");
  html += "</div>\n";
  return {"leakage", "Leakage", "What leaks, and what it costs to hide", html};
}

}  // namespace cloister::report
