#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bytes_text.h"
#include "report/audit_view.h"
#include "report/html.h"
#include "report/plan_view.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using plan::Candidate;
using profile::CutCost;
using profile::Device;
using profile::ProfileRecord;

// A cut that the plan does not weigh: what the profile alone says of it.
Candidate from_profile(const ProfileRecord& profile, const CutCost& cut, size_t device) {
  const Device& d = profile.devices[device];
  Candidate out;
  out.segments = segments_between({cut.id});
  out.device = d.name;
  out.modelled = d.modelled || d.link.modelled;
  out.measured = cut.measured;
  out.trusted_ms = cut.head.ms;
  out.untrusted_ms = cut.bodies[device].ms;
  out.link_ms = d.link.ms(cut.bytes) + d.link.ms(profile.output_bytes);
  out.latency_ms = out.trusted_ms + out.untrusted_ms + out.link_ms;
  return out;
}

// The plan's best candidate for each device that begins with the cut, of the kind of its best.
std::vector<Candidate> ways(const Records& records, const CutCost& cut) {
  std::vector<Candidate> out;
  if (records.plan != nullptr) {
    const Candidate* best = best_of_cut(*records.plan, cut.id);
    for (const Candidate& c : records.plan->candidates) {
      if (best == nullptr || c.segments.size() != best->segments.size() || first_cut(c) != cut.id)
        continue;
      const auto same = std::ranges::find(out, c.device, &Candidate::device);
      if (same == out.end()) {
        out.push_back(c);
      } else if (is_better(c, *same)) {
        *same = c;
      }
    }
  }
  for (size_t d = 0; out.empty() && d < records.profile->devices.size(); ++d) {
    out.push_back(from_profile(*records.profile, cut, d));
  }
  return out;
}

std::string served(const Records& records, const Candidate& c) {
  if (records.plan == nullptr) return "not planned";
  if (c.admissible()) return "yes";
  std::vector<std::string> out;
  for (const plan::Reason& reason : c.refused) {
    out.push_back(fmt::format("<span title=\"{}\">{}</span>", escape(reason.why, 1000),
                              refusal_words(reason.refusal)));
  }
  return fmt::format("no: {}", fmt::join(out, "; "));
}

std::string way_row(const Records& records, const Candidate& c) {
  const double whole = records.profile->trusted.whole.ms;
  const std::string speed = speed_words(c.latency_ms, whole);
  std::string title = name(c.device, 60);
  if (!shows_result(c)) {
    title += fmt::format(" <small>up to {}</small>", name(c.segments.back().begin_cut, 60));
  }
  return fmt::format(
      "<tr><th scope=\"row\">{}{}</th><td data-label=\"Trusted part\">{}</td><td data-label="
      "\"Link\">{}</td><td data-label=\"Untrusted part\">{}</td><td data-label=\"Together\"><div>"
      "<b>{}</b>{}</div></td><td data-label=\"May be served\"><div>{}</div></td></tr>\n",
      title, marks(c), ms_words(c.trusted_ms), ms_words(c.link_ms), ms_words(c.untrusted_ms),
      ms_words(c.latency_ms),
      speed.empty() ? "" : fmt::format("<small>{} all trusted</small>", speed), served(records, c));
}

std::string ways_table(const Records& records, const CutCost& cut) {
  std::string rows;
  for (const Candidate& c : ways(records, cut)) rows += way_row(records, c);
  if (rows.empty()) return "";
  return "<table class=\"plain stack\">\n<thead><tr><th scope=\"col\">The rest on</th>"
         "<th scope=\"col\">Trusted part</th><th scope=\"col\">Link</th><th "
         "scope=\"col\">Untrusted "
         "part</th><th scope=\"col\">Together</th><th scope=\"col\">May be served</th></tr></thead>"
         "\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string verdict(const Records& records, const CutCost& cut) {
  const audit::CutRecord* found = audited(records, cut.id);
  if (found == nullptr) {
    return cut.exposed_by_construction.empty()
               ? "<p class=\"sentence\">Not audited: what an attacker can rebuild here is not "
                 "known.</p>\n"
               : fmt::format(
                     "<p class=\"sentence\">The input {} itself crosses here, so "
                     "the accelerator sees everything.</p>\n",
                     name(cut.exposed_by_construction, 80));
  }
  std::string out = "<p class=\"sentence\">The attacks on this cut have not been judged.</p>\n";
  if (found->verdict) {
    out = fmt::format("<p class=\"sentence\">{}</p>\n",
                      escape(sentence(found->verdict->sentence), 4000));
  }
  // The script puts the article's pictures here; they are in the page only once.
  return out + fmt::format(
                   "<div class=\"borrowed\" data-from=\"cut-{0}\"></div>\n<p class=\"note\"><a "
                   "href=\"#cut-{0}\">Attackers, scores and training at this cut</a></p>\n",
                   escape(cut.id));
}

std::string head(const Records& records, const CutCost& cut) {
  const audit::CutRecord* found = audited(records, cut.id);
  const bool chosen = records.plan != nullptr && !is_reference(records.plan->choice()) &&
                      first_cut(records.plan->choice()) == cut.id;
  std::string tensors;
  for (const std::string& tensor : cut.tensors) {
    tensors += fmt::format("{}<span class=\"tensor\">{}</span>", tensors.empty() ? "" : " ",
                           name(tensor, 120));
  }
  return fmt::format(
      "<header><h3>{}</h3>{}{}<p class=\"tensors\">{}</p></header>\n", name(cut.id, 60),
      found != nullptr && found->verdict
          ? badge(found->verdict->outcome)
          : outcome_badge(found == nullptr ? "not audited" : "not judged"),
      chosen ? "<span class=\"badge chosen\">★ the plan's choice</span>" : "", tensors);
}

std::string facts(const Records& records, const CutCost& cut) {
  const ProfileRecord& profile = *records.profile;
  std::string out =
      fact("Stays trusted",
           fmt::format("{} of the time <small>{} of the work</small>",
                       percent(cut.head.ms / profile.trusted.whole.ms), percent(cut.macs_share)));
  out += fact("Trusted part", timing_words(cut.head));
  out += fact("Trusted memory", bytes_text(cut.head_memory.peak));
  out += fact("Crosses", bytes_text(cut.bytes));
  out += fact("Numbers", cut.measured ? "measured" : "interpolated");
  if (const audit::CutRecord* found = audited(records, cut.id); found != nullptr && found->probe) {
    out += fact("Label probe", fmt::format("{} <small>{} by guessing</small>",
                                           percent(found->probe->probe.accuracy),
                                           percent(found->probe->probe.chance)));
  }
  return "<dl class=\"facts\">\n" + out + "</dl>\n";
}

std::string all_trusted_panel(const Records& records) {
  const ProfileRecord& profile = *records.profile;
  const bool chosen = records.plan != nullptr && is_all_trusted(records.plan->choice());
  return fmt::format(
             "<header><h3>No cut: all trusted</h3>{}</header>\n<p class=\"sentence\">The whole "
             "model runs in the trusted environment. The accelerator sees nothing, and is not "
             "used.</p>\n<dl class=\"facts\">\n",
             chosen ? "<span class=\"badge chosen\">★ the plan's choice</span>" : "") +
         fact("Time", timing_words(profile.trusted.whole)) +
         fact("Trusted memory", bytes_text(profile.trusted.memory.peak)) +
         fact("Crosses", "nothing") + fact("Numbers", "measured") + "</dl>\n";
}

}  // namespace

std::string cut_panel(const Records& records, size_t position) {
  if (position >= records.profile->cuts.size()) return all_trusted_panel(records);
  const CutCost& cut = records.profile->cuts[position];
  return head(records, cut) + facts(records, cut) + ways_table(records, cut) +
         verdict(records, cut);
}

}  // namespace cloister::report
