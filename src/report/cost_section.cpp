#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes_text.h"
#include "report/html.h"
#include "report/plan_view.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using profile::CutCost;
using profile::Device;
using profile::ProfileRecord;
using profile::Timing;

std::string share_cell(const ProfileRecord& profile, const CutCost& cut) {
  const double share = cut.head.ms / profile.trusted.whole.ms;
  return fmt::format(
      "{}<svg class=\"share\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\"><rect class=\"all\" width=\"100\" height=\"6\"/>"
      "<rect class=\"part\" width=\"{:.1f}\" height=\"6\"/></svg>",
      percent(share), share > 0 ? 100 * std::min(share, 1.0) : 0.0);
}

std::string row(const ProfileRecord& profile, const CutCost& cut) {
  std::string out =
      fmt::format("<tr>\n<th scope=\"row\"><a href=\"#network\" data-cut=\"{}\">{}</a></th>\n",
                  escape(cut.id), name(cut.id, 60));
  out += cell("Time that stays trusted", share_cell(profile, cut));
  out += cell("Trusted part", timing_words(cut.head));
  for (size_t d = 0; d < profile.devices.size(); ++d) {
    out += cell("Rest on " + escape(profile.devices[d].name, 40), timing_words(cut.bodies[d]));
  }
  return out + cell("Trusted memory", bytes_text(cut.head_memory.peak)) +
         cell("Crosses", bytes_text(cut.bytes)) + "</tr>\n";
}

std::string table(const ProfileRecord& profile, bool measured, const std::string& caption) {
  std::string rows;
  for (const CutCost& cut : profile.cuts) {
    if (cut.measured == measured) rows += row(profile, cut);
  }
  if (rows.empty()) return "";
  std::string devices;
  for (const Device& device : profile.devices) {
    devices += fmt::format("<th scope=\"col\">Rest on {}{}</th>", name(device.name, 40),
                           device.modelled ? " " + tag("modelled") : "");
  }
  return fmt::format(
      "<table class=\"cuts\">\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">Cut</th>"
      "<th scope=\"col\">Time that stays trusted</th><th scope=\"col\">Trusted part</th>{}"
      "<th scope=\"col\">Trusted memory</th><th scope=\"col\">Crosses</th></tr></thead>\n<tbody>\n"
      "{}</tbody>\n</table>\n",
      caption, devices, rows);
}

std::string tables(const ProfileRecord& profile) {
  const auto measured = std::ranges::count_if(profile.cuts, &CutCost::measured);
  const size_t others = profile.cuts.size() - static_cast<size_t>(measured);
  std::string out = table(profile, true,
                          "Cuts that were measured directly, shallow to deep: medians, with "
                          "quartiles, for one batch.");
  if (others == 0) return out;
  return out + fmt::format(
                   "<details><summary>{}, interpolated between those</summary>\n{}</details>\n",
                   count(others, "more cut", "more cuts"),
                   table(profile, false, "Interpolated: times and memory were not measured here."));
}

std::string signed_percent(double share) {
  return fmt::format("{}{}", share > 0 ? "+" : "", percent(share));
}

std::string checks(const ProfileRecord& profile) {
  if (profile.checks.empty()) return "";
  std::string rows;
  for (const profile::Check& check : profile.checks) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td data-label=\"Time predicted\">{}</td><td data-label="
        "\"Measured\">{}</td><td data-label=\"Off by\"><b>{}</b></td><td data-label=\"Memory "
        "predicted\">{}</td><td data-label=\"Measured\">{}</td><td data-label=\"Off by\"><b>{}</b>"
        "</td></tr>\n",
        name(check.cut, 60), ms_words(check.predicted_ms), ms_words(check.measured_ms),
        signed_percent(check.time_error()), bytes_text(check.predicted_bytes),
        bytes_text(check.measured_bytes), signed_percent(check.memory_error()));
  }
  return "<h3>How good is the interpolation?</h3>\n<table class=\"framed stack\">\n<caption>These "
         "cuts were measured, yet kept out of the interpolation.</caption>\n<thead><tr><th scope="
         "\"col\">Cut</th><th scope=\"col\">Time predicted</th><th scope=\"col\">Measured</th><th "
         "scope=\"col\">Off by</th><th scope=\"col\">Memory predicted</th><th scope=\"col\">"
         "Measured</th><th scope=\"col\">Off by</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string trusted_html(const ProfileRecord& profile) {
  const profile::Settings& s = profile.settings;
  std::string out =
      fact("Machine", escape(profile.machine)) + fact("Engine", escape(profile.trusted.engine)) +
      fact("Batch", fmt::format("{}", s.batch)) +
      fact("Threads", s.cores.empty()
                          ? fmt::format("{}", s.threads)
                          : fmt::format("{}, on cores {}", s.threads, fmt::join(s.cores, ", ")));
  if (s.rounds > 0) out += fact("Runs per median", count(s.rounds, "run", "runs"));
  out += fact("Whole model", timing_words(profile.trusted.whole));
  out += fact("Memory of the whole model",
              fmt::format("{} at its peak, {} afterwards", bytes_text(profile.trusted.memory.peak),
                          bytes_text(profile.trusted.memory.resident)));
  out += fact("Loaded in", ms_words(profile.trusted.load_ms));
  if (s.trusted_limit_bytes) out += fact("Memory limit", bytes_text(*s.trusted_limit_bytes));
  return out;
}

std::string link_html(const profile::LinkCost& link) {
  const double rate = link.bytes_per_second;
  return fmt::format("{}{}: {} and {} a second", name(link.name, 40),
                     link.modelled ? " " + tag("modelled") : "", ms_words(link.latency_ms),
                     rate >= 0 && rate < 1e18 ? bytes_text(static_cast<uint64_t>(rate)) : "–");
}

std::string device_html(const Device& device) {
  return fmt::format("<h3>{}{}</h3>\n<dl>\n", name(device.name, 60),
                     device.modelled ? " " + tag("modelled") : "") +
         fact("Engine", escape(device.engine)) +
         fact("Whole model",
              device.modelled ? ms_words(device.whole.ms) : timing_words(device.whole)) +
         fact("Link", link_html(device.link)) +
         fact("While it computes", device.overlaps ? "the trusted cores work on other requests"
                                                   : "the trusted cores wait: they are the same") +
         "</dl>\n";
}

}  // namespace

Section cost_section(const ProfileRecord& profile) {
  std::string devices;
  for (const Device& device : profile.devices) devices += device_html(device);
  std::string notes;
  for (const std::string& note : profile.notes) {
    notes += fmt::format("<li>{}</li>\n", escape(sentence(note), 4000));
  }
  if (!notes.empty()) notes = "<ul class=\"small\">\n" + notes + "</ul>\n";
  std::string html = fmt::format(
      "<p class=\"intro\">Measured values are marked as measured; values in between are "
      "interpolated. A device that is only <b>modelled</b> was described, and nothing "
      "on it was measured.</p>\n<div class=\"columns-2\">\n<div><h3>Trusted part</h3>\n<dl>\n{}"
      "</dl></div>\n<div>{}</div>\n</div>\n",
      trusted_html(profile), devices);
  html += tables(profile) + checks(profile) + notes;
  html += fmt::format("<p class=\"note\">Measured by {}, with seed {}.</p>\n", escape(profile.tool),
                      profile.settings.seed);
  return {"cost", "Cost", "What the cuts cost, and how that was measured", html};
}

}  // namespace cloister::report
