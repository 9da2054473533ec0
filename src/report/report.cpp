#include "report/report.h"

#include "report/audit_view.h"

namespace cloister::report {

Result<std::string> render_report(const audit::AuditRecord& record, const fs::path& folder) {
  const AuditView view(record);
  Pictures pictures(folder);
  Page page("Leakage audit of " + record.model.file, audit_hero(view));
  page.add(leakage_section(view, page));
  page.add(cuts_section(view));
  TRY(galleries, galleries_section(view, page, pictures));
  page.add(std::move(galleries));
  page.add(controls_section(view));
  page.add(method_section(view));
  page.add(limits_section(view));
  return page.html();
}

}  // namespace cloister::report
