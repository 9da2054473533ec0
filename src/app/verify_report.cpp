#include "app/verify_report.h"

#include <algorithm>

#include "trust/claims_text.h"

namespace cloister {
namespace {

constexpr size_t kIdColumn = 24;
constexpr size_t kShownHex = 16;
constexpr size_t kShownText = 200;

using attest::Check;
using attest::Outcome;

struct Mark {
  std::string_view sign;
  std::string_view colour;  // of a terminal
};

Mark mark_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass:
      return {"✓", "\033[32m"};
    case Outcome::kFail:
      return {"✗", "\033[31;1m"};
    case Outcome::kNotApplicable:
      return {"–", "\033[2m"};
  }
  return {"?", ""};
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// Long runs of hexadecimal digits keep their beginning.
std::string without_long_hex(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_hex(text[end])) ++end;
    const size_t digits = end - i;
    out += digits > 2 * kShownHex ? text.substr(i, kShownHex) + "…" : text.substr(i, digits);
    if (end < text.size()) out += text[end++];
    i = end;
  }
  return out.size() > kShownText ? printable(out, kShownText) : out;
}

std::string check_line(const Check& check, bool full, bool colour) {
  const Mark mark = mark_of(check.outcome);
  const auto shown = [&](const std::string& text) { return full ? text : without_long_hex(text); };
  std::string value = check.outcome == Outcome::kNotApplicable ? check.why : shown(check.found);
  if (check.outcome == Outcome::kPass && check.why != check.found) {
    value += (value.empty() ? "want " : "; want ") + shown(check.why);
  }
  if (check.outcome == Outcome::kFail) {
    value += (value.empty() ? "want " : ", want ") + shown(check.why);
    if (!check.field.empty()) value += fmt::format(" ({})", attest::requirer_text(check));
  }
  return fmt::format("  {}{}{} {:<{}} {}\n", colour ? mark.colour : "", mark.sign,
                     colour ? "\033[0m" : "", check.id, kIdColumn, value);
}

// What the claims section says, besides the environment's own.
std::vector<attest::ClaimLine> lines_of(const attest::AppraisalResult& judgement) {
  std::vector<attest::ClaimLine> lines = attest::claim_lines(judgement.tee.claims);
  if (const auto& statement = judgement.statement) {
    lines.push_back({"config_sha256", statement->config_sha256});
    lines.push_back({"manifest_sha256", statement->manifest_sha256});
    lines.push_back({"tool", printable(statement->tool)});
  }
  if (const auto& manifest = judgement.manifest) {
    lines.push_back({"model", printable(manifest->model_name)});
    lines.push_back({"model_sha256", manifest->model_sha256});
    lines.push_back({"bundle_version", std::to_string(manifest->version)});
    lines.push_back({"cut", bundle::cuts_text(*manifest)});
  }
  return lines;
}

size_t count(const attest::AppraisalResult& judgement, Outcome outcome) {
  return static_cast<size_t>(std::ranges::count(judgement.checks, outcome, &Check::outcome));
}

std::string verdict_text(const attest::AppraisalResult& judgement) {
  const std::string_view protects = attest::kind_class(judgement.kind);
  if (!judgement.trusted) {
    return fmt::format("NOT TRUSTED: {} of {} checks failed", count(judgement, Outcome::kFail),
                       judgement.checks.size());
  }
  const std::string passed =
      fmt::format("{} checks passed, {} not applicable", count(judgement, Outcome::kPass),
                  count(judgement, Outcome::kNotApplicable));
  if (protects == "simulated") {
    return fmt::format("ACCEPTED BY THE POLICY, PROTECTS NOTHING (simulated): {}", passed);
  }
  if (protects == "tpm") {
    return fmt::format("ACCEPTED BY THE POLICY, MEASURED BOOT ONLY (tpm): {}", passed);
  }
  return fmt::format("TRUSTED: {}", passed);
}

}  // namespace

std::string report_text(const VerifyReport& report, bool full, bool colour) {
  const attest::AppraisalResult& judgement = report.judgement;
  std::string out = fmt::format("{}: {} evidence, judged at {}\n", report.target,
                                attest::to_string(judgement.kind), time_text(report.now));
  for (const std::string& note : report.notes) out += "note: " + note + "\n";
  out += "\nChecks\n";
  for (const Check& check : judgement.checks) out += check_line(check, full, colour);
  out += judgement.trusted ? "\nClaims\n" : "\nClaims, as far as they could be read: NOT TRUSTED\n";
  for (const attest::ClaimLine& line : lines_of(judgement)) {
    out += fmt::format("    {:<{}} {}\n", line.name, kIdColumn,
                       full ? line.value : without_long_hex(line.value));
  }
  const std::string_view strong = judgement.trusted ? "\033[32;1m" : "\033[31;1m";
  out += fmt::format("\n{}{}{}\n", colour ? strong : "", verdict_text(judgement),
                     colour ? "\033[0m" : "");
  return out;
}

nlohmann::ordered_json report_json(const VerifyReport& report) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const Check& check : report.judgement.checks) {
    checks.push_back({{"id", check.id},
                      {"outcome", attest::to_string(check.outcome)},
                      {"found", printable(check.found, 4000)},
                      {"required", printable(check.why, 4000)},
                      {"policy", check.field},
                      {"policy_line", nullptr}});
    if (check.line) checks.back()["policy_line"] = *check.line;
  }
  nlohmann::ordered_json claims = nlohmann::ordered_json::object();
  for (const attest::ClaimLine& line : lines_of(report.judgement)) claims[line.name] = line.value;
  return {{"schema", "cloister/verify/1"},
          {"target", report.target},
          {"kind", attest::to_string(report.judgement.kind)},
          {"protects", attest::kind_class(report.judgement.kind)},
          {"time", time_text(report.now)},
          {"trusted", report.judgement.trusted},
          {"verdict", verdict_text(report.judgement)},
          {"checks", std::move(checks)},
          {"claims", std::move(claims)}};
}

}  // namespace cloister
