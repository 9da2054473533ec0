#include <fmt/format.h>

#include "data/input_kind.h"
#include "report/audit_view.h"
#include "report/html.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using audit::AttackerRecord;
using audit::CutRecord;
using audit::GalleryRow;

std::string kind_words(const std::string& kind) {
  if (kind == "best") return "least leakage";
  if (kind == "worst") return "most leakage";
  return "median leakage";
}

Result<std::string> gallery_row(const GalleryRow& row, Pictures& pictures) {
  TRY(original, pictures.image(row.original, fmt::format("original of input {}", row.input)));
  std::string out = fmt::format(
      "<div class=\"row\"><h4>{} <small>{}, {}</small></h4>\n<ul>\n"
      "<li class=\"original\">{}<span>original</span></li>\n",
      sentence(row.kind).substr(0, row.kind.size()), kind_words(row.kind), number(row.score),
      original);
  for (const auto& made : row.reconstructions) {
    TRY(image,
        pictures.image(made.file, fmt::format("input {} as rebuilt by {}, score {}", row.input,
                                              made.attacker, number(made.score))));
    out += fmt::format("<li>{}<span>{} <b>{}</b></span></li>\n", image, name(made.attacker, 40),
                       number(made.score));
  }
  return out + "</ul></div>\n";
}

Result<std::string> gallery(const CutRecord& cut, Pictures& pictures) {
  if (cut.gallery.empty()) return "";
  std::string out = "<div class=\"gallery\">\n";
  // Typical first: what is rare at both ends comes after.
  for (const std::string_view kind : {"typical", "worst", "best"}) {
    for (const GalleryRow& row : cut.gallery) {
      if (row.kind != kind) continue;
      TRY(html, gallery_row(row, pictures));
      out += html;
    }
  }
  return out + "</div>\n";
}

std::string attacker_row(const AuditView& view, const AttackerRecord& attacker) {
  const auto& split = attacker.certification;
  const auto value = view.value_of(attacker);
  const uint64_t n = split.inputs.empty() ? view.inputs() : split.inputs.size();
  std::string again = "–";
  if (const auto& r = split.reidentification) {
    again = fmt::format("<div>{} <small>of {}; {} by chance</small></div>", percent(r->rate),
                        r->gallery, percent(r->chance));
  }
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td data-label=\"Score\">{}</td><td data-label=\"Inputs\">{}"
      "</td><td data-label=\"Converged\">{}</td><td data-label=\"Re-identified\">{}</td>"
      "<td data-label=\"Same label\">{}</td></tr>\n",
      name(attacker.name, 60), value ? number(*value) : "not scored", n,
      attacker.converged ? "yes" : "<b class=\"warn\">no</b>", again,
      split.label_agreement ? percent(*split.label_agreement) : "–");
}

std::string attackers_table(const AuditView& view, const CutRecord& cut) {
  if (cut.attackers.empty()) return "<p class=\"note\">No attacker was run at this cut.</p>\n";
  std::string out =
      "<table class=\"plain stack\">\n<caption>Each attacker alone</caption>\n<thead><tr>"
      "<th scope=\"col\">Attacker</th><th scope=\"col\">Score</th><th scope=\"col\">Inputs</th>"
      "<th scope=\"col\">Converged</th><th scope=\"col\">Re-identified</th>"
      "<th scope=\"col\">Same label</th></tr></thead>\n<tbody>\n";
  for (const AttackerRecord& attacker : cut.attackers) out += attacker_row(view, attacker);
  return out + "</tbody></table>\n";
}

std::string curves(const AuditView& view, const CutRecord& cut, Page& page) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  for (const AttackerRecord& attacker : cut.attackers) {
    for (const audit::CurvePoint& point : attacker.curve) {
      points.push_back(
          {{"attacker", attacker.name}, {"epoch", point.epoch}, {"validation", point.validation}});
    }
  }
  if (points.empty()) return "";
  const std::string metric = metric_name(view.record().metric);
  return page.chart("curves", {{"metric", metric}, {"points", std::move(points)}},
                    fmt::format("<b>Training.</b> Mean {} on the attackers' own validation inputs, "
                                "epoch by epoch: an attacker that still climbs was stopped too "
                                "early.",
                                metric),
                    "Chart: validation score of each trained attacker over its epochs.");
}

std::string convergence(const CutRecord& cut) {
  std::string out;
  for (const AttackerRecord& attacker : cut.attackers) {
    out += fmt::format(
        "<li><b>{}</b>: {}{} training inputs, {}.</li>\n", name(attacker.name, 60),
        attacker.convergence.empty() ? "" : escape(sentence(attacker.convergence), 4000) + " ",
        attacker.training_inputs, seconds_words(attacker.seconds));
  }
  if (cut.data_gain) {
    out += fmt::format(
        "<li>With half of the attacker's data {}{} was {}, with all of it {}."
        "</li>\n",
        cut.data_gain_attacker.empty() ? "the leakage" : "",
        cut.data_gain_attacker.empty() ? "" : name(cut.data_gain_attacker, 60),
        number(cut.data_gain->half), number(cut.data_gain->all));
  }
  return out.empty() ? "" : "<ul class=\"small\">\n" + out + "</ul>\n";
}

std::string gates(const CutRecord& cut) {
  if (!cut.verdict || cut.verdict->failed.empty()) return "";
  std::string out = "<h4>Why the verdict is not “resisted”</h4>\n<ul class=\"gates\">\n";
  if (cut.verdict->outcome == audit::Outcome::kExposed) {
    out = "<h4>Other checks that failed</h4>\n<ul class=\"gates\">\n";
  }
  for (const audit::Gate& gate : cut.verdict->failed) {
    out += fmt::format("<li><b>{}</b>: {}</li>\n", escape(gate_words(gate.name)),
                       escape(sentence(gate.why), 4000));
  }
  return out + "</ul>\n";
}

Result<std::string> cut_html(const AuditView& view, const CutRecord& cut, Page& page,
                             Pictures& pictures) {
  TRY(rows, gallery(cut, pictures));
  std::string out = fmt::format(
      "<article class=\"cut\" id=\"cut-{}\">\n<header><h3>{}</h3>{}<p class=\"tensors\">{}</p>"
      "</header>\n",
      escape(cut.id), name(cut.id), cut.verdict ? badge(cut.verdict->outcome) : "",
      tensor_names(cut));
  if (cut.verdict) {
    out += fmt::format("<p class=\"sentence\">{}</p>\n",
                       escape(sentence(cut.verdict->sentence), 4000));
  }
  out += rows + columns_html(cut) + gates(cut);
  out += "<details><summary>Attackers, training and data</summary>\n" + attackers_table(view, cut) +
         convergence(cut) + curves(view, cut, page) + "</details>\n</article>\n";
  return out;
}

}  // namespace

Result<Section> galleries_section(const AuditView& view, Page& page, Pictures& pictures) {
  const audit::InputKindInfo* kind = audit::find_input_kind(view.record().kind);
  const bool is_pictures = kind != nullptr && kind->pictured;
  std::string html = fmt::format(
      "<p class=\"intro\">{}</p>\n",
      is_pictures ? "Originals beside what each attacker made of them, for a typical input and for "
                    "those that leaked most and least. The numbers are scores: higher is closer."
                  : "How much of a row was recovered, column by column.");
  for (const CutRecord& cut : view.record().cuts) {
    TRY(cut_text, cut_html(view, cut, page, pictures));
    html += cut_text;
  }
  return Section{"cut-by-cut", is_pictures ? "Gallery" : "Columns",
                 is_pictures ? "Reconstructions, cut by cut" : "Cut by cut", html};
}

}  // namespace cloister::report
