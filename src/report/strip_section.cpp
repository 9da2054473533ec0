#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/audit_view.h"
#include "report/html.h"
#include "report/plan_view.h"
#include "report/words.h"

namespace cloister::report {
namespace {

using profile::ProfileRecord;
using Json = nlohmann::ordered_json;

// More signs than that would cover each other.
constexpr size_t kMaxSigns = 40;

// Where the cuts are on the strip, in percent of its width: a block is as wide as its share of the
// trusted time, yet never too narrow to be seen. The last is the end of the strip.
std::vector<double> places(const ProfileRecord& profile) {
  const size_t blocks = profile.cuts.size() + 1;
  const double least = std::min(0.8, 50.0 / static_cast<double>(blocks));
  std::vector<double> times;
  double time = 0;
  const auto add = [&](double ms) {
    // Measured times do not always grow.
    const double next = std::isfinite(ms) ? std::max(time, ms) : time;
    times.push_back(next - time);
    time = next;
  };
  for (const profile::CutCost& cut : profile.cuts) add(cut.head.ms);
  add(profile.trusted.whole.ms);
  const double shared = 100 - least * static_cast<double>(blocks);
  std::vector<double> out;
  double x = 0;
  for (const double block : times) {
    x += least + shared * (time > 0 ? block / time : 1 / static_cast<double>(blocks));
    out.push_back(x);
  }
  out.back() = 100;
  return out;
}

// The last block that is not trusted when the strip is cut there.
size_t last_untrusted(const Records& records, size_t position) {
  const auto& cuts = records.profile->cuts;
  if (records.plan == nullptr || position == cuts.size()) return cuts.size();
  const plan::Candidate* best = best_of_cut(*records.plan, cuts[position].id);
  if (best == nullptr || shows_result(*best)) return cuts.size();
  const auto second =
      std::ranges::find(cuts, best->segments.back().begin_cut, &profile::CutCost::id);
  return static_cast<size_t>(second - cuts.begin());
}

// What the page shows at first: the plan's cut, or none.
size_t first_shown(const Records& records) {
  const auto& cuts = records.profile->cuts;
  if (records.plan == nullptr || is_reference(records.plan->choice())) return cuts.size();
  const auto chosen =
      std::ranges::find(cuts, first_cut(records.plan->choice()), &profile::CutCost::id);
  return static_cast<size_t>(chosen - cuts.begin());
}

std::string outcome(const Records& records, size_t position) {
  const audit::CutRecord* cut = audited(records, records.profile->cuts[position].id);
  if (cut == nullptr) return "not audited";
  return cut->verdict ? std::string(audit::to_string(cut->verdict->outcome)) : "not judged";
}

// What assistive technology says of a stop of the slider.
std::string stop_text(const Records& records, size_t position) {
  const ProfileRecord& profile = *records.profile;
  if (position == profile.cuts.size()) return "no cut, all trusted";
  const profile::CutCost& cut = profile.cuts[position];
  return fmt::format("{}, cut {} of {}, {} of the time trusted, {}", printable(cut.id, 60),
                     position + 1, profile.cuts.size(),
                     percent(cut.head.ms / profile.trusted.whole.ms), outcome(records, position));
}

Json stops(const Records& records, const std::vector<double>& x) {
  const auto& cuts = records.profile->cuts;
  Json out = Json::array();
  for (size_t i = 0; i <= cuts.size(); ++i) {
    Json& stop = out.emplace_back();
    stop["x"] = std::round(x[i] * 1000) / 1000;
    stop["end"] = last_untrusted(records, i);
    stop["text"] = stop_text(records, i);
    if (i == cuts.size()) continue;
    // As the attributes have it that name the cut.
    stop["cut"] = printable(cuts[i].id, 400);
  }
  return out;
}

std::string layers(const Records& records, const std::vector<double>& x, size_t shown) {
  const size_t end = last_untrusted(records, shown);
  std::string out;
  double left = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool trusted = i <= shown || i > end;
    out +=
        fmt::format("<rect class=\"{}\" x=\"{:.3f}%\" y=\"24\" width=\"{:.3f}%\" height=\"46\"/>",
                    trusted ? "layer" : "layer untrusted", left, x[i] - left);
    left = x[i];
  }
  return out;
}

std::string_view sign(std::string_view outcome) {
  if (outcome == "resisted") return "✓";
  if (outcome == "exposed") return "✕";
  return "?";
}

// Below the strip what the audit says of its cuts.
std::string verdicts(const Records& records, const std::vector<double>& x) {
  if (records.audit == nullptr) return "";
  const bool with_signs = records.audit->cuts.size() <= kMaxSigns;
  std::string out;
  for (size_t i = 0; i < records.profile->cuts.size(); ++i) {
    const std::string word = outcome(records, i);
    if (word == "not audited") continue;
    out += fmt::format(
        "<g class=\"verdict {0}\"><line x1=\"{1:.3f}%\" x2=\"{1:.3f}%\" y1=\"72\" y2=\"78\"/>",
        word == "not judged" ? "unknown" : word, x[i]);
    if (with_signs) {
      out += fmt::format("<text x=\"{:.3f}%\" y=\"92\" text-anchor=\"middle\">{}</text>", x[i],
                         sign(word));
    }
    out += "</g>";
  }
  return out;
}

std::string handle(std::string_view kind, double x, bool hidden) {
  return fmt::format(
      "<svg class=\"handle {}{}\" x=\"{:.3f}%\" overflow=\"visible\"><path d=\"M0 20V74\"/>"
      "<circle cy=\"47\" r=\"7\"/></svg>",
      kind, hidden ? " off" : "", x);
}

std::string drawing(const Records& records, const std::vector<double>& x, size_t shown) {
  std::string out =
      fmt::format("<svg class=\"drawing\" height=\"96\" role=\"img\" aria-label=\"{}\">",
                  escape("The network from input to result. Picked: " + stop_text(records, shown)));
  out += layers(records, x, shown) + verdicts(records, x);
  const size_t end = last_untrusted(records, shown);
  if (records.plan != nullptr) {
    out += fmt::format(
        "<text class=\"star\" x=\"{:.3f}%\" y=\"15\" text-anchor=\"middle\">★</text>", x[shown]);
  }
  return out + handle("second", x[end], end == x.size() - 1) + handle("first", x[shown], false) +
         "</svg>";
}

std::string legend(const Records& records) {
  std::string out =
      "<li><i class=\"key trusted\"></i>trusted</li>\n<li><i class=\"key untrusted\"></i>"
      "untrusted: the accelerator</li>\n";
  if (records.plan != nullptr) out += "<li><i class=\"star\">★</i>the plan's choice</li>\n";
  if (records.audit != nullptr) {
    for (const auto known :
         {audit::Outcome::kResisted, audit::Outcome::kInconclusive, audit::Outcome::kExposed}) {
      out += fmt::format("<li>{}</li>\n", badge(known));
    }
  }
  return "<ul class=\"legend\">\n" + out + "</ul>\n";
}

}  // namespace

Section strip_section(const Records& records, Page& page) {
  const ProfileRecord& profile = *records.profile;
  const std::vector<double> x = places(profile);
  const size_t shown = first_shown(records);
  const size_t entry = page.add_data({{"shown", shown}, {"stops", stops(records, x)}});
  std::string html =
      "<p class=\"intro\">From input to result. Layers left of the cut run in the trusted "
      "environment, layers right of it on the accelerator; the wider a block, the more of the "
      "time it takes. <span class=\"scripted\" hidden>Pick another cut: click on the strip, or "
      "use the arrow keys.</span></p>\n";
  html += fmt::format(
      "<div class=\"strip\" data-entry=\"{}\">\n<div class=\"track\">{}</div>\n"
      "<div class=\"ends\" aria-hidden=\"true\"><span>input</span><span>result</span></div>\n"
      "<div class=\"steps scripted\" hidden><button type=\"button\" data-step=\"-1\">← shallower"
      "</button><button type=\"button\" data-step=\"1\">deeper →</button>{}</div>\n{}",
      entry, drawing(records, x, shown),
      records.plan == nullptr
          ? ""
          : "<button type=\"button\" data-step=\"0\">★ the plan's choice</button>",
      legend(records));
  for (size_t i = 0; i <= profile.cuts.size(); ++i) {
    html += fmt::format("<div class=\"pick\" id=\"pick-{}\"{}>\n{}</div>\n", i,
                        i == shown ? "" : " hidden", cut_panel(records, i));
  }
  return {"network", "Network", "Where the network is cut", html + "</div>\n"};
}

}  // namespace cloister::report
