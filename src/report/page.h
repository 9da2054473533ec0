// A page that opens offline: sections, one after the other, and the charts in them. What a section
// says is up to the caller: audit_view.h and plan_view.h have the views.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cloister::report {

struct Section {
  std::string id;     // letters and dashes, its anchor
  std::string label;  // plain text, a word or two, in the page's list of contents
  std::string title;  // plain text
  std::string html;   // its author has escaped what comes from outside
};

// Not thread-safe.
class Page {
 public:
  // `title` is plain text, `hero` the HTML that comes first.
  Page(std::string title, std::string hero) : title_(std::move(title)), hero_(std::move(hero)) {}

  void add(Section section) { sections_.push_back(std::move(section)); }

  // Data for a script of the page; its position in the element #page-data.
  size_t add_data(nlohmann::ordered_json json);

  // A figure to put into a section's HTML. `kind` is one of the functions of charts.js that draw,
  // `data` what it is given, `caption` HTML, `alt` plain text for those who do not see it.
  std::string chart(const std::string& kind, nlohmann::ordered_json data,
                    const std::string& caption, const std::string& alt);

  // The file.
  std::string html() const;

 private:
  std::string title_;
  std::string hero_;
  std::vector<Section> sections_;
  nlohmann::ordered_json data_ = nlohmann::ordered_json::array();
};

}  // namespace cloister::report
