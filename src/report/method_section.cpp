#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "audit/attackers.h"
#include "base/sha256.h"
#include "report/audit_view.h"
#include "report/html.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using audit::AuditRecord;
using audit::Control;
using Json = nlohmann::ordered_json;

std::string control_rows(const std::vector<Control>& controls, std::string_view kind,
                         const std::string& cut, const std::string& want,
                         const std::function<bool(const Control&)>& holds) {
  std::string out;
  for (const Control& control : controls) {
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td data-label=\"Attacker\">{}</td><td data-label=\"Cut\">{}"
        "</td><td data-label=\"Score\"><b>{}</b></td><td data-label=\"Floor\">{}</td>"
        "<td data-label=\"Wanted\">{}</td><td data-label=\"Held\">{}</td></tr>\n",
        kind, name(control.attacker, 60), cut.empty() ? "–" : name(cut), number(control.score),
        number(control.floor), want,
        holds(control) ? "<span class=\"badge resisted\"><span aria-hidden=\"true\">✓</span> "
                         "held</span>"
                       : "<span class=\"badge exposed\"><span aria-hidden=\"true\">✕</span> "
                         "failed</span>");
  }
  return out;
}

std::string row(std::string_view term, const std::string& html) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", term, html);
}

// A whole number of the splits' record, which is carried along unread: "?" where it has none.
std::string split_count(const Json& splits, const std::string& pointer) {
  const auto at = nlohmann::json::json_pointer(pointer);
  if (!splits.contains(at) || !splits.at(at).is_number_unsigned()) return "?";
  return std::to_string(splits.at(at).get<uint64_t>());
}

std::string splits_html(const AuditRecord& record) {
  const Json splits = Json::parse(record.splits, nullptr, false);
  if (!splits.is_object()) return "";
  const auto source = nlohmann::json::json_pointer("/source/name");
  std::string out;
  if (splits.contains(source) && splits.at(source).is_string()) {
    out += row("Data", name(splits.at(source).get<std::string>()));
  }
  const auto part = [&](const char* id) {
    return split_count(splits, fmt::format("/parts/{}/inputs", id));
  };
  out += row("Split",
             fmt::format("{} inputs to train attackers, {} to tune them, {} to choose cuts by, {} "
                         "to certify; no content is in two parts",
                         part("attacker-train"), part("attacker-validation"), part("selection"),
                         part("certification")));
  out += row("Left out", fmt::format("{} equal inputs, {} that could not be read",
                                     split_count(splits, "/equal_inputs_removed"),
                                     split_count(splits, "/skipped/count")));
  const auto victim = splits.find("victim_train");
  out += row("Victim's training data",
             victim != splits.end() && victim->is_object()
                 ? "known, and kept out of the judged inputs"
                 : "not known: some of the inputs judged may have trained the model");
  out += row("Seed of the split", split_count(splits, "/seed"));
  return out;
}

std::string settings_html(const AuditRecord& record) {
  const audit::AuditSettings& s = record.settings;
  std::vector<std::string> numbers;
  for (const auto& [key, value] : s.numbers) {
    numbers.push_back(fmt::format("{} {:g}", name(key, 60), value));
  }
  std::string out =
      row("Budget", escape(s.budget) +
                        (numbers.empty() ? "" : fmt::format(" ({})", fmt::join(numbers, ", "))));
  if (s.size > 0) out += row("Size attacked", fmt::format("{0} x {0} pixels", s.size));
  out += row("Seed of the attacks", std::to_string(s.seed));
  out += row("Run on",
             fmt::format("{}; device {}, {} threads{}", escape(record.machine), escape(s.device),
                         s.threads, s.libtorch.empty() ? "" : ", LibTorch " + escape(s.libtorch)));
  return out;
}

std::string policy_html(const audit::Policy& p) {
  std::vector<std::string> attackers;
  for (const std::string& attacker : p.attackers) attackers.push_back(name(attacker, 60));
  return row("Threshold", fmt::format("{} of {} at most {}", statistic_name(p.statistic),
                                      escape(metric_name(p.metric)), number(p.threshold))) +
         row("Held-out inputs wanted", fmt::format("{}, or {} for an attacker too slow for all",
                                                   p.n_min, p.n_min_subsample)) +
         row("Attackers that must have run", fmt::format("{}", fmt::join(attackers, ", "))) +
         row("Confidence", fmt::format("{}, Holm-corrected over the cuts; {} bootstrap resamples, "
                                       "seed {}",
                                       percent(p.confidence), p.resamples, p.seed)) +
         row("More data may add", fmt::format("at most {} from half to all of the attacker's data",
                                              number(p.data_gain)));
}

std::string attackers_html(const AuditView& view) {
  std::set<std::string> seen;
  std::string out;
  const auto add = [&](const audit::AttackerRecord& attacker, std::string_view kind) {
    const std::string_view meaning = audit::attacker_meaning(attacker.name);
    if (!seen.insert(attacker.name).second || meaning.empty()) return;
    out += fmt::format("<li><b>{}</b>{}: {}.</li>\n", name(attacker.name, 60), kind, meaning);
  };
  for (const auto& cut : view.record().cuts) {
    for (const auto& attacker : cut.attackers) add(attacker, "");
  }
  for (const auto& baseline : view.record().baselines) add(baseline, " (floor)");
  return out.empty() ? "" : "<h3>The attackers</h3>\n<ul>\n" + out + "</ul>\n";
}

}  // namespace

Section controls_section(const AuditView& view) {
  const AuditRecord& record = view.record();
  const audit::Policy& policy = view.policy();
  std::string rows =
      control_rows(record.positive_controls, "positive", record.positive_control_cut,
                   fmt::format("{} or more", number(policy.positive_control)),
                   [&](const Control& c) { return c.score >= policy.positive_control; });
  rows +=
      control_rows(record.negative_controls, "negative", record.negative_control_cut,
                   fmt::format("at most {} above the floor", number(policy.negative_control)),
                   [&](const Control& c) { return c.score <= c.floor + policy.negative_control; });
  std::string html =
      "<p class=\"intro\">An attack that fails proves nothing if it could not have worked. So the "
      "same attackers attack features that give the input away, where they must succeed "
      "(<b>positive</b>), and are trained on shuffled pairs, where they must fall to what guessing "
      "reaches (<b>negative</b>).</p>\n";
  if (rows.empty()) {
    html += "<p class=\"note\">No control was run, so no cut can be said to resist.</p>\n";
  } else {
    html += fmt::format(
        "<table class=\"framed stack\">\n<caption>Mean {}</caption>\n<thead><tr><th scope=\"col\">"
        "Control</th><th scope=\"col\">Attacker</th><th scope=\"col\">Cut</th><th scope=\"col\">"
        "Score</th><th scope=\"col\">Floor</th><th scope=\"col\">Wanted</th><th scope=\"col\">Held"
        "</th></tr></thead>\n<tbody>\n{}</tbody></table>\n",
        escape(metric_name(record.metric)), rows);
  }
  return {"controls", "Controls", "Did the attacks work?", html};
}

Section method_section(const AuditView& view) {
  const AuditRecord& record = view.record();
  const std::string digest = to_hex(sha256(as_bytes(audit::record_json(record))));
  std::string html =
      "<div class=\"columns-2\">\n<div><h3>What was attacked</h3>\n<dl>\n" +
      row("Model", name(record.model.file)) +
      row("SHA-256", "<code>" + escape(record.model.sha256) + "</code>") +
      row("Input",
          fmt::format("{} {}", name(record.model.input), shape_text(record.model.input_shape))) +
      splits_html(record) + settings_html(record) +
      "</dl></div>\n<div><h3>What a cut must satisfy</h3>\n<dl>\n" + policy_html(view.policy()) +
      "</dl>\n" + attackers_html(view) + "</div></div>\n";
  html += fmt::format(
      "<p class=\"note\">Made by {}. Reproduce it with the same model, data and "
      "seeds. SHA-256 of the record that this page shows: <code>{}</code></p>\n",
      escape(record.tool), digest);
  return {"method", "Method", "How it was measured", html};
}

Section limits_section(const AuditView& view) {
  std::string notes;
  for (const std::string& note : view.record().notes) {
    notes += fmt::format("<li>{}</li>\n", escape(sentence(note), 4000));
  }
  return {
      "limits", "Limits", "What this does not say",
      "<ul class=\"limits\">\n" + notes +
          "<li>A verdict holds for these attackers at this budget, on this data. A stronger "
          "attacker, or one with more data, may find more.</li>\n"
          "<li>It says nothing about inputs unlike the held-out ones.</li>\n"
          "<li>No cut hides what the rest of the network needs: the class of an input can often be "
          "read off it, as the label probe shows.</li>\n"
          "<li>Side channels of the trusted environment (timing, power, memory access) were "
          "not attacked.</li>\n"
          "<li>An audit is its signer's claim, not an attested computation: trust it as far as "
          "you trust its signer, or run it again.</li>\n</ul>\n"};
}

}  // namespace cloister::report
