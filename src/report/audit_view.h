// The sections that tell of an audit. A section of other records (plan_view.h) is made likewise: a
// function that gives a Section, called in report.cpp.
#pragma once

#include "audit/record.h"
#include "report/page.h"
#include "report/pictures.h"

namespace cloister::report {

// A record with what several sections want to know of it. Thread-safe.
class AuditView {
 public:
  explicit AuditView(const audit::AuditRecord& record);

  const audit::AuditRecord& record() const { return record_; }
  const audit::Policy& policy() const { return record_.policy; }
  bool judged() const;  // whether every cut has a verdict
  uint64_t inputs() const { return floor_.size(); }
  size_t count(audit::Outcome outcome) const;
  // The policy's statistic over the floor: 0 for an advantage; none where nothing was scored.
  std::optional<double> floor() const;
  // The same over what one attacker scored alone.
  std::optional<double> value_of(const audit::AttackerRecord& attacker) const;
  // What the axis of leakage must hold.
  double lowest() const { return lowest_; }
  double highest() const { return highest_; }

 private:
  std::optional<double> statistic(const std::vector<double>& scores) const;

  const audit::AuditRecord& record_;
  std::vector<double> floor_;  // empty when the record's scores don't fit its policy
  double lowest_ = 0;
  double highest_ = 1;
};

// "resisted" with its sign and colour.
std::string badge(audit::Outcome outcome);

// Names of the tensors that cross.
std::string tensor_names(const audit::CutRecord& cut);

// How many cuts came to which outcome.
std::string tally(const AuditView& view);

// What comes first: the verdict in a few words.
std::string audit_hero(const AuditView& view);

Section leakage_section(const AuditView& view, Page& page);
Section cuts_section(const AuditView& view);
Result<Section> galleries_section(const AuditView& view, Page& page, Pictures& pictures);
Section controls_section(const AuditView& view);
Section method_section(const AuditView& view);
Section limits_section(const AuditView& view);

// Of a table: how much of each column came back at a cut.
std::string columns_html(const audit::CutRecord& cut);

}  // namespace cloister::report
