#include <fmt/ranges.h>

#include <algorithm>

#include "base/parse_file.h"
#include "plan/candidates.h"
#include "plan/policy_fields.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::plan {
namespace {

constexpr std::string_view kSchema = "cloister/plan/1";
constexpr uint64_t kMaxPlanBytes = 256ULL << 20;
constexpr size_t kMostCandidates = 10'000'000;
constexpr size_t kMostWords = 4 * kLong;
constexpr double kMostLeakage = 1e6;
constexpr size_t kDigestLength = 64;

template <typename T>
struct Word {
  T value;
  std::string_view word;
};

constexpr Word<Kind> kKinds[] = {{Kind::kAllTrusted, "all_trusted"},
                                 {Kind::kAllUntrusted, "all_untrusted"},
                                 {Kind::kTwo, "two"},
                                 {Kind::kThree, "three"}};

constexpr Word<Refusal> kRefusals[] = {
    {Refusal::kInputSeen, "input_seen"},   {Refusal::kNotAudited, "not_audited"},
    {Refusal::kExposed, "exposed"},        {Refusal::kUndecided, "undecided"},
    {Refusal::kResultSeen, "result_seen"}, {Refusal::kDevice, "device"},
    {Refusal::kMemory, "memory"},          {Refusal::kLatency, "latency"},
    {Refusal::kThroughput, "throughput"}};

template <typename T, size_t N>
std::string_view find(const Word<T> (&words)[N], T value) {
  return std::ranges::find(words, value, &Word<T>::value)->word;
}

template <typename T, size_t N>
Result<> find(const Word<T> (&words)[N], std::string_view text, T& out) {
  std::vector<std::string_view> known;
  for (const Word<T>& row : words) {
    known.push_back(row.word);
    if (row.word != text) continue;
    out = row.value;
    return {};
  }
  return invalid("'{}', want {}", printable(text, 40), fmt::join(known, ", "));
}

}  // namespace

std::string_view to_string(Kind kind) {
  return find(kKinds, kind);
}

std::string_view to_string(Refusal refusal) {
  return find(kRefusals, refusal);
}

Result<> from_string(std::string_view text, Kind& out) {
  return find(kKinds, text, out);
}

Result<> from_string(std::string_view text, Refusal& out) {
  return find(kRefusals, text, out);
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

template <typename Io>
void fields(Io& io, Of<Io, Candidate> r) {
  io.term("kind", r.kind);
  io.text_or_null("cut", r.cut, kShort);
  io.text_or_null("second_cut", r.second_cut, kShort);
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

template <typename Io>
void fields(Io& io, Of<Io, Change> r) {
  io.term("what", r.what);
  io.text("sentence", r.sentence, kMostWords);
  io.integer("candidate", r.candidate, 0, kMostCandidates);
}

template <typename Io>
void fields(Io& io, Of<Io, Plan> r) {
  io.schema("schema", kSchema);
  io.text("tool", r.tool, kShort);
  io.text("machine", r.machine, kLong);
  io.text("model_file", r.model_file, kName);
  io.digest("model_sha256", r.model_sha256);
  io.digest("profile_sha256", r.profile_sha256);
  io.text_or_null("audit_sha256", r.audit_sha256, kDigestLength);
  io.object("policy", r.policy);
  io.integer("batch", r.batch, 1, 1 << 20);
  io.flag("safe_cut", r.safe_cut);
  io.text("why", r.why, kMostWords);
  io.list("changes", r.changes, 100);
  io.texts("notes", r.notes, 1000, kMostWords);
  io.integer("chosen", r.chosen, 0, kMostCandidates);
  io.list("candidates", r.candidates, kMostCandidates);
}

namespace {

Result<> check(const Candidate& c) {
  const bool device = c.kind != Kind::kAllTrusted;
  const bool three = c.kind == Kind::kThree;
  if (c.cut.empty() == has_cut(c) || c.second_cut.empty() == three || c.device.empty() == device) {
    return invalid("kind '{}', want what it has of cut, second_cut and device, and nothing else",
                   to_string(c.kind));
  }
  if (c.kind == Kind::kAllUntrusted && c.admissible()) {
    return invalid("kind '{}' is not refused", to_string(c.kind));
  }
  constexpr std::string_view kOutcomes[] = {"exposed", "resisted", "inconclusive", "not audited"};
  const std::string& outcome = c.leakage.outcome;
  if (c.kind == Kind::kAllTrusted ? !outcome.empty()
                                  : std::ranges::find(kOutcomes, outcome) == std::end(kOutcomes)) {
    return invalid("leakage: outcome '{}' of kind '{}'", printable(outcome, 40), to_string(c.kind));
  }
  if (has_cut(c) && c.admissible() && outcome != "resisted") {
    return invalid("leakage: outcome '{}', yet it is not refused", outcome);
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
  if (plan.candidates.empty() || plan.candidates[0].kind != Kind::kAllTrusted) {
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
    return invalid("safe_cut: {}, and the candidates say {}", plan.safe_cut, safe_cut);
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

Result<Plan> parse(std::string_view json) {
  TRY(plan, read_json_record<Plan>(json, kSchema, kMaxPlanBytes));
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
