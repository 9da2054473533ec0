#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bytes_text.h"
#include "report/html.h"
#include "report/plan_view.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using plan::Candidate;
using plan::Plan;

std::string leakage_cell(const Candidate& c) {
  if (is_all_trusted(c)) return "none";
  if (is_all_untrusted(c)) return "the input itself";
  std::string out = outcome_badge(c.leakage.outcome);
  if (c.leakage.upper) {
    out += fmt::format("<small>{}at most {}</small>",
                       c.leakage.value ? number(*c.leakage.value) + ", " : "",
                       number(*c.leakage.upper));
  }
  return out;
}

std::string latency_cell(const Candidate& c) {
  std::string out = fmt::format("<strong>{}</strong>", ms_words(c.latency_ms));
  if (is_reference(c)) return out;
  return out + fmt::format("<small>{}</small>", parts_words(c));
}

std::string served_cell(const Candidate& c, bool chosen) {
  if (chosen && c.admissible()) return "<span class=\"badge chosen\">★ chosen</span>";
  std::string out = chosen ? "<span class=\"badge chosen\">★ chosen</span>" : "";
  if (c.admissible()) return out + "yes";
  for (const plan::Reason& reason : c.refused) {
    out += fmt::format("<details class=\"reason\"><summary>{}</summary>{}</details>",
                       refusal_words(reason.refusal), escape(sentence(reason.why), 1000));
  }
  return out;
}

std::string row(const Records& records, size_t position) {
  const Plan& plan = *records.plan;
  const Candidate& c = plan.candidates[position];
  const bool chosen = position == plan.chosen;
  const std::string device = c.device.empty() ? "–" : name(c.device, 40);
  return fmt::format("<tr class=\"{}\">\n<th scope=\"row\">{}{}</th>\n", chosen ? "chosen" : "",
                     linked_title(records, c), marks(c)) +
         cell("Runs on", device) + cell("Leakage", leakage_cell(c)) +
         cell("Latency", latency_cell(c), "number") +
         cell("Throughput", rate_words(c.throughput), "number") +
         cell("Trusted memory", bytes_text(c.trusted_bytes), "number") +
         cell("Crosses", bytes_text(c.bytes_across), "number") +
         cell("May be served", served_cell(c, chosen)) + "</tr>\n";
}

std::string table(const Records& records, const std::vector<size_t>& positions,
                  const std::string& caption) {
  std::string rows;
  for (const size_t position : positions) rows += row(records, position);
  return fmt::format(
      "<table class=\"cuts plans\">\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">Cut</th>"
      "<th scope=\"col\">Runs on</th><th scope=\"col\">Leakage</th><th scope=\"col\">Latency</th>"
      "<th scope=\"col\">Throughput</th><th scope=\"col\">Trusted memory</th><th scope=\"col\">"
      "Crosses</th><th scope=\"col\">May be served</th></tr></thead>\n<tbody>\n{}</tbody>\n"
      "</table>\n",
      caption, rows);
}

std::string tables(const Records& records) {
  const Ranked ranked = rank(*records.plan);
  std::string out =
      table(records, ranked.first,
            "The references, and the candidates that no other dominates; fastest first. Latency is "
            "of one batch: trusted part, link and untrusted part, one after the other.");
  if (ranked.rest.empty()) return out;
  out += fmt::format("<details><summary>{} that others dominate</summary>\n{}",
                     count(ranked.rest.size() + ranked.left_out, "candidate", "candidates"),
                     table(records, ranked.rest, "Fastest first."));
  if (ranked.left_out > 0) {
    out += fmt::format(
        "<p class=\"note\">The {} slowest are left out here; plan.json has them."
        "</p>\n",
        ranked.left_out);
  }
  return out + "</details>\n";
}

std::string changes(const Records& records) {
  if (records.plan->changes.empty()) return "";
  std::string out;
  for (const plan::Change& change : records.plan->changes) {
    const Candidate& c = records.plan->candidates[change.candidate];
    out += fmt::format("<li>{} <span class=\"towards\">{}{}</span></li>\n",
                       escape(sentence(change.sentence), 1000),
                       is_reference(c) || records.profile == nullptr
                           ? ""
                           : cut_link(records, first_cut(c), "show this cut"),
                       c.modelled ? " " + tag("modelled") : "");
  }
  return "<h3>What would change the choice</h3>\n<ul class=\"changes\">\n" + out + "</ul>\n";
}

std::string policy(const Plan& plan) {
  const plan::PlanPolicy& p = plan.policy;
  std::string out = fact("Best in", std::string(objective_words(p.objective)));
  if (const auto& leakage = p.leakage) {
    out += fact("Leakage", fmt::format("{} at most {}", statistic_name(leakage->statistic),
                                       escape(threshold_words(*leakage))));
  }
  if (p.max_latency_ms) out += fact("Latency", "at most " + ms_words(*p.max_latency_ms));
  if (p.min_throughput) out += fact("Throughput", "at least " + rate_words(*p.min_throughput));
  if (p.max_trusted_bytes) {
    out += fact("Trusted memory", "at most " + bytes_text(*p.max_trusted_bytes));
  }
  out += fact("The accelerator",
              p.result_may_be_seen ? "may see the result" : "may not compute the result");
  std::vector<std::string> devices;
  for (const std::string& device : p.devices) devices.push_back(name(device, 40));
  out += fact("Devices", devices.empty() ? "any" : fmt::format("{}", fmt::join(devices, ", ")));
  return out;
}

std::string basis(const Plan& plan) {
  const auto digest = [](const std::string& sha256) {
    return sha256.empty() ? "none" : "<code>" + escape(sha256) + "</code>";
  };
  return fact("Model", name(plan.model_file)) + fact("SHA-256", digest(plan.model_sha256)) +
         fact("Profile", digest(plan.profile_sha256)) + fact("Audit", digest(plan.audit_sha256)) +
         fact("Measured on", escape(plan.machine)) + fact("Made by", escape(plan.tool));
}

std::string notes(const Plan& plan) {
  std::string out;
  for (const std::string& note : plan.notes) {
    out += fmt::format("<li>{}</li>\n", escape(sentence(note), 4000));
  }
  return out.empty() ? "" : "<ul class=\"small\">\n" + out + "</ul>\n";
}

}  // namespace

Section plan_section(const Records& records, Page& page) {
  const Plan& plan = *records.plan;
  std::string html = fmt::format("<p class=\"intro\">{}</p>\n", escape(sentence(plan.why), 4000));
  html += page.chart(
      "pareto", pareto_data(plan),
      "<b>Leakage against latency.</b> Each point is a place to cut, on one device: further left "
      "is faster, further down leaks less. Filled points may be served, hollow ones may not. The "
      "line joins those that no other dominates. Cuts that were not audited have no known leakage: "
      "they are drawn apart, at the top.",
      "Chart: latency and leakage of each candidate, with the threshold. The table of candidates "
      "has the same numbers.");
  html += changes(records) + tables(records);
  html += fmt::format(
      "<details><summary>What the model's owner accepts, and what the plan was made from</summary>"
      "\n<div class=\"columns-2\">\n<div><h3>Policy</h3>\n<dl>\n{}</dl></div>\n<div><h3>Made from"
      "</h3>\n<dl>\n{}</dl></div>\n</div>\n</details>\n{}",
      policy(plan), basis(plan), notes(plan));
  return {"plan", "Plan", "Which cut, and why", html};
}

}  // namespace cloister::report
