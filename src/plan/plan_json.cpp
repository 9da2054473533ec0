#include <algorithm>

#include "base/parse_file.h"
#include "base/words.h"
#include "bundle/segments_fields.h"
#include "plan/candidates.h"
#include "plan/policy_fields.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::plan {
namespace {

constexpr std::string_view kSchema = "cloister/plan/2";
constexpr std::string_view kSchemaV1 = "cloister/plan/1";
constexpr uint64_t kMaxPlanBytes = 256ULL << 20;
constexpr size_t kMostCandidates = 10'000'000;
constexpr size_t kMostWords = 4 * kLong;
constexpr double kMostLeakage = 1e6;
constexpr size_t kDigestLength = 64;

// As version 1 had them: what kind of plan, and where it is cut.
struct CandidateV1 {
  Candidate candidate;
  std::string kind;
  std::string cut;
  std::string second_cut;
};
struct PlanV1 {
  Plan plan;
  std::vector<CandidateV1> candidates;
};

constexpr Word<Refusal> kRefusals[] = {
    {Refusal::kInputSeen, "input_seen"},   {Refusal::kNotAudited, "not_audited"},
    {Refusal::kExposed, "exposed"},        {Refusal::kUndecided, "undecided"},
    {Refusal::kResultSeen, "result_seen"}, {Refusal::kDevice, "device"},
    {Refusal::kMemory, "memory"},          {Refusal::kLatency, "latency"},
    {Refusal::kThroughput, "throughput"}};

}  // namespace

std::string_view to_string(Refusal refusal) {
  return word_of(kRefusals, refusal);
}

Result<> from_string(std::string_view text, Refusal& out) {
  return value_of_word(kRefusals, text, out);
}

template <typename Io>
void fields(Io& io, Of<Io, Reason> r) {
  io.term("refusal", r.refusal);
  io.text("why", r.why, kMostWords);
}

template <typename Io>
void fields(Io& io, Of<Io, LeakageOfCut> r) {
  io.text_or_null("outcome", r.outcome, kShort);
  io.optional("value", r.value, -kMostLeakage, kMostLeakage);
  io.optional("upper", r.upper, -kMostLeakage, kMostLeakage);
}

namespace {

template <typename Io>
void shared_fields(Io& io, Of<Io, Candidate> r) {
  io.text_or_null("device", r.device, kShort);
  io.flag("modelled", r.modelled);
  io.flag("measured", r.measured);
  io.real("latency_ms", r.latency_ms, 0, kHuge);
  io.real("trusted_ms", r.trusted_ms, 0, kHuge);
  io.real("untrusted_ms", r.untrusted_ms, 0, kHuge);
  io.real("link_ms", r.link_ms, 0, kHuge);
  io.real("throughput", r.throughput, 0, kHuge);
  io.integer("trusted_bytes", r.trusted_bytes, 0, kAnyCount);
  io.integer("bytes_across", r.bytes_across, 0, kAnyCount);
  io.object("leakage", r.leakage);
  io.list("refused", r.refused, 100);
  io.flag("pareto", r.pareto);
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Candidate> r) {
  io.list("segments", r.segments, kMostSegments);
  shared_fields<Io>(io, r);
}

namespace {

template <typename Io>
void fields(Io& io, Of<Io, CandidateV1> r) {
  io.choice("kind", r.kind, {"all_trusted", "all_untrusted", "two", "three"});
  io.text_or_null("cut", r.cut, kShort);
  io.text_or_null("second_cut", r.second_cut, kShort);
  shared_fields<Io>(io, r.candidate);
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Change> r) {
  io.term("what", r.what);
  io.text("sentence", r.sentence, kMostWords);
  io.integer("candidate", r.candidate, 0, kMostCandidates);
}

namespace {

template <typename Io>
void shared_fields(Io& io, Of<Io, Plan> r, std::string_view schema) {
  io.schema("schema", schema);
  io.text("tool", r.tool, kShort);
  io.text("machine", r.machine, kLong);
  io.text("model_file", r.model_file, kName);
  io.digest("model_sha256", r.model_sha256);
  io.digest("profile_sha256", r.profile_sha256);
  io.text_or_null("audit_sha256", r.audit_sha256, kDigestLength);
  io.texts_if_any("public_inputs", r.public_inputs, 1000, kName);
  io.object("policy", r.policy);
  io.integer("batch", r.batch, 1, 1 << 20);
  io.flag("safe_cut", r.safe_cut);
  io.text("why", r.why, kMostWords);
  io.list("changes", r.changes, 100);
  io.texts("notes", r.notes, 1000, kMostWords);
  io.integer("chosen", r.chosen, 0, kMostCandidates);
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Plan> r) {
  shared_fields<Io>(io, r, kSchema);
  io.list("candidates", r.candidates, kMostCandidates);
}

namespace {

template <typename Io>
void fields(Io& io, Of<Io, PlanV1> r) {
  shared_fields<Io>(io, r.plan, kSchemaV1);
  io.list("candidates", r.candidates, kMostCandidates);
}

Result<> check(const Candidate& c) {
  if (auto checked = check_segments(c.segments); !checked) {
    return with_context(checked.error(), "segments");
  }
  if (c.device.empty() != is_all_trusted(c)) {
    return invalid("device '{}' of a plan that is {}all trusted", printable(c.device, 40),
                   is_all_trusted(c) ? "" : "not ");
  }
  if (c.segments[0].placement == Placement::kUntrusted && c.admissible()) {
    return invalid("the first segment is untrusted, and it is not refused");
  }
  constexpr std::string_view kOutcomes[] = {"exposed", "resisted", "inconclusive", "not audited"};
  const std::string& outcome = c.leakage.outcome;
  if (is_all_trusted(c) ? !outcome.empty()
                        : std::ranges::find(kOutcomes, outcome) == std::end(kOutcomes)) {
    return invalid("leakage: outcome '{}' of {}", printable(outcome, 40),
                   is_all_trusted(c) ? "all trusted" : "an untrusted segment");
  }
  if (has_cut(c) && c.admissible() && outcome != "resisted") {
    return invalid("leakage: outcome '{}', but it is not refused", outcome);
  }
  return {};
}

// What no field can tell alone. A plan that is served goes by this.
Result<> check(const Plan& plan) {
  if (!plan.policy.leakage) return invalid("policy: no leakage");
  if (auto checked = check_policy(plan.policy); !checked) {
    return with_context(checked.error(), "policy");
  }
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!plan.audit_sha256.empty() && (plan.audit_sha256.size() != kDigestLength ||
                                     !std::ranges::all_of(plan.audit_sha256, is_digit))) {
    return invalid("audit_sha256: want 64 digits 0 to 9, a to f");
  }
  if (plan.candidates.empty() || !is_all_trusted(plan.candidates[0])) {
    return invalid("candidates: the first is not all trusted");
  }
  bool safe_cut = false;
  for (size_t i = 0; i < plan.candidates.size(); ++i) {
    const Candidate& c = plan.candidates[i];
    if (auto checked = check(c); !checked) {
      return with_context(checked.error(), fmt::format("candidates[{}]", i));
    }
    safe_cut = safe_cut || (has_cut(c) && c.admissible());
  }
  if (plan.safe_cut != safe_cut) {
    return invalid("safe_cut: {}, but the candidates imply {}", plan.safe_cut, safe_cut);
  }
  if (plan.chosen >= plan.candidates.size()) {
    return invalid("chosen: {}, want under {}", plan.chosen, plan.candidates.size());
  }
  if (plan.chosen != 0 && !plan.choice().admissible()) {
    return invalid("chosen: {} is refused", plan.chosen);
  }
  for (const Change& change : plan.changes) {
    if (change.candidate >= plan.candidates.size()) {
      return invalid("changes: candidate {}, want under {}", change.candidate,
                     plan.candidates.size());
    }
  }
  return {};
}

Result<std::vector<PlannedSegment>> segments_of(const CandidateV1& old) {
  const bool three = old.kind == "three";
  if (old.cut.empty() == (three || old.kind == "two") || old.second_cut.empty() == three) {
    return invalid("kind '{}', want what it has of cut and second_cut, and nothing else", old.kind);
  }
  if (old.kind == "all_untrusted") {
    return std::vector<PlannedSegment>{{.name = "body", .placement = Placement::kUntrusted}};
  }
  std::vector<std::string> cuts;
  if (!old.cut.empty()) cuts.push_back(old.cut);
  if (three) cuts.push_back(old.second_cut);
  return segments_between(cuts);
}

Result<Plan> upgrade(PlanV1 old) {
  for (size_t i = 0; i < old.candidates.size(); ++i) {
    auto segments = segments_of(old.candidates[i]);
    if (!segments) return with_context(segments.error(), fmt::format("candidates[{}]", i));
    Candidate& candidate = old.plan.candidates.emplace_back(std::move(old.candidates[i].candidate));
    candidate.segments = std::move(*segments);
  }
  return std::move(old.plan);
}

Result<Plan> read(std::string_view json) {
  auto plan = read_json_record<Plan>(json, kSchema, kMaxPlanBytes);
  if (plan || plan.error().kind != Kind::kUnsupported) return plan;
  auto old = read_json_record<PlanV1>(json, kSchemaV1, kMaxPlanBytes);
  // Of neither version: what is asked for is the newer one.
  if (!old && old.error().kind == Kind::kUnsupported) return plan;
  if (!old) return std::unexpected(old.error());
  return upgrade(std::move(*old));
}

Result<Plan> parse(std::string_view json) {
  TRY(plan, read(json));
  TRY_OK(check(plan));
  return plan;
}

}  // namespace

std::string plan_json(const Plan& plan) {
  return write_json_record(plan);
}

Result<Plan> parse_plan(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "plan record");
  return parsed;
}

Result<Plan> read_plan(const fs::path& path) {
  return parse_file(path, kMaxPlanBytes, parse_plan);
}

}  // namespace cloister::plan
