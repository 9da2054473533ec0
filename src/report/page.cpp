#include "report/page.h"

#include <fmt/format.h>

#include "base/sha256.h"
#include "report/assets.h"
#include "report/html.h"

namespace cloister::report {
namespace {

// What the Content-Security-Policy knows a script or style by.
std::string csp_hash(std::string_view text) {
  return fmt::format("'sha256-{}'", base64(sha256(as_bytes(text))));
}

}  // namespace

size_t Page::add_data(nlohmann::ordered_json json) {
  data_.push_back(std::move(json));
  return data_.size() - 1;
}

std::string Page::chart(const std::string& kind, nlohmann::ordered_json data,
                        const std::string& caption, const std::string& alt) {
  return fmt::format(
      "<figure class=\"chart\" data-kind=\"{}\" data-chart=\"{}\">"
      "<div class=\"canvas\" role=\"img\" aria-label=\"{}\"></div>"
      "<noscript><p class=\"note\">This chart needs scripts; its numbers are in the tables.</p>"
      "</noscript><figcaption>{}</figcaption></figure>\n",
      escape(kind), add_data(std::move(data)), escape(alt), caption);
}

std::string Page::html() const {
  std::string contents;
  std::string sections;
  for (const Section& section : sections_) {
    contents += fmt::format("<a href=\"#{}\">{}</a>\n", section.id, escape(section.label));
    sections += fmt::format(
        "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n"
        "<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n",
        section.id, escape(section.title), section.html);
  }
  std::string scripts;
  std::string hashes;
  for (const std::string_view script :
       {asset_vega(), asset_vega_lite(), asset_vega_interpreter(), asset_charts(), asset_strip()}) {
    scripts += fmt::format("<script>{}</script>\n", script);
    hashes += " " + csp_hash(script);
  }
  const std::string csp = fmt::format(
      "default-src 'none'; img-src data:; style-src {}; script-src{}; base-uri 'none'; "
      "form-action 'none'",
      csp_hash(asset_style()), hashes);
  return fill(asset_page(),
              {{"csp", csp},
               {"title", escape(title_)},
               {"style", std::string(asset_style())},
               {"hero", hero_},
               {"contents", contents},
               {"sections", sections},
               {"data", script_json(data_)},
               {"licences", fmt::format("{}{}", asset_licences(), asset_vega_license())},
               {"scripts", scripts}});
}

}  // namespace cloister::report
