#include "report/report.h"

#include "report/audit_view.h"
#include "report/plan_view.h"

namespace cloister::report {
namespace {

std::string title(const Records& records) {
  return records.plan != nullptr ? "Plan for " + records.plan->model_file
                                 : "Leakage audit of " + records.audit->model.file;
}

std::string hero(const Records& records, const std::optional<AuditView>& view) {
  if (records.plan == nullptr) return audit_hero(*view);
  return plan_hero(records, view && view->judged() ? tally(*view) : "");
}

}  // namespace

Result<std::string> render_report(const Records& records, const fs::path& folder) {
  TRY_OK(check_records(records));
  std::optional<AuditView> view;
  if (records.audit != nullptr) view.emplace(*records.audit);
  Page page(title(records), hero(records, view));
  if (records.profile != nullptr) page.add(strip_section(records, page));
  if (records.plan != nullptr) page.add(plan_section(records, page));
  if (view) {
    Pictures pictures(folder);
    page.add(leakage_section(*view, page));
    page.add(cuts_section(*view));
    TRY(galleries, galleries_section(*view, page, pictures));
    page.add(std::move(galleries));
    page.add(controls_section(*view));
  }
  if (records.profile != nullptr) page.add(cost_section(*records.profile));
  if (view) {
    page.add(method_section(*view));
    page.add(limits_section(*view));
  }
  return page.html();
}

}  // namespace cloister::report
