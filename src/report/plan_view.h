// The sections that tell of a plan and of the profile that it rests on.
#pragma once

#include "report/page.h"
#include "report/records.h"

namespace cloister::report {

// The references that a plan is measured by; null when it has none. Of several devices, the chosen
// one's comes first, then the fastest.
const plan::Candidate* all_trusted(const plan::Plan& plan);
const plan::Candidate* all_untrusted(const plan::Plan& plan);

bool is_reference(const plan::Candidate& candidate);

// Whether it is about what the accelerator sees, not about what a candidate costs.
bool is_of_leakage(plan::Refusal refusal);

// "the accelerator sees the input"
std::string_view refusal_words(plan::Refusal refusal);

// "latency"
std::string_view objective_words(plan::Objective objective);

// Sign and colour of what an audit said; its outcome is a word of the record.
std::string outcome_badge(const std::string& outcome);

// A measured time and its interval, as HTML.
std::string timing_words(const profile::Timing& timing);

// A small mark beside a number: "modelled".
std::string tag(std::string_view word);

// How far the numbers can be trusted: " modelled", " interpolated", both or nothing.
std::string marks(const plan::Candidate& candidate);

// "all trusted", "cut c7": plain text.
std::string plain_title(const plan::Candidate& candidate);

// "0.96 + 0.23 + 0.42 ms": trusted part, link and untrusted part.
std::string parts_words(const plan::Candidate& candidate);

// `html` as a link that picks the cut on the strip, where the profile has it.
std::string cut_link(const Records& records, const std::string& id, const std::string& html);

// The same for all that a candidate is.
std::string linked_title(const Records& records, const plan::Candidate& candidate);

// The audit's word on a cut; null where it has none.
const audit::CutRecord* audited(const Records& records, const std::string& cut);

// Positions of candidates: the references and those that nothing beats in everything, and the rest;
// both fastest first. The rest ends at what a page can hold.
struct Ranked {
  std::vector<size_t> first;
  std::vector<size_t> rest;
  size_t left_out = 0;
};
Ranked rank(const plan::Plan& plan);

// What comes first: the outcome in words for a newcomer. `tally` is HTML.
std::string plan_hero(const Records& records, const std::string& tally);

Section plan_section(const Records& records, Page& page);

// Latency against leakage of all candidates: what the chart "pareto" draws.
nlohmann::ordered_json pareto_data(const plan::Plan& plan);

// The network from input to result, and a panel for each cut of the profile, which is not null.
Section strip_section(const Records& records, Page& page);

// What there is to know of the cut at that position of the profile; past the last: of no cut.
std::string cut_panel(const Records& records, size_t position);

// The plan's best candidate that begins with the cut: the chosen one; one with a trusted tail only
// where the policy wants that; null where there is none.
const plan::Candidate* best_of_cut(const plan::Plan& plan, const std::string& cut);
// One that may be served is better than one that may not, and a faster one than a slower one.
bool is_better(const plan::Candidate& a, const plan::Candidate& b);

// How the profile was measured.
Section cost_section(const profile::ProfileRecord& profile);

}  // namespace cloister::report
