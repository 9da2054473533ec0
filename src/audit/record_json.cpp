#include <nlohmann/json.hpp>
#include <set>

#include "audit/record_fields.h"
#include "base/parse_file.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::audit {
namespace {

// How many inputs a part of the splits has.
Result<size_t> part_size(const Json& splits, const char* part) {
  const auto at = nlohmann::json::json_pointer(fmt::format("/parts/{}/inputs", part));
  const Json* found = splits.contains(at) ? &splits.at(at) : nullptr;
  if (found == nullptr || !found->is_number_unsigned() || found->get<uint64_t>() > kMaxInputs) {
    return invalid("splits: no number of inputs at parts.{}.inputs, want one up to {}", part,
                   kMaxInputs);
  }
  return found->get<size_t>();
}

Result<> check_scores(const SplitScores& split, size_t n) {
  if (!split.inputs.empty() && split.inputs.back() >= n) {
    return invalid("inputs: {}, want positions under {}", split.inputs.back(), n);
  }
  const size_t want = split.inputs.empty() ? n : split.inputs.size();
  for (const MetricScores& scores : split.metrics) {
    if (scores.values.size() != want) {
      return invalid("scores.{}: {} scores, want {}", to_string(scores.metric),
                     scores.values.size(), want);
    }
  }
  return {};
}

struct Sizes {
  size_t selection = 0;
  size_t certification = 0;
};

Result<> check_attackers(std::string_view where, const std::vector<AttackerRecord>& attackers,
                         Sizes sizes) {
  std::set<std::string_view> names;
  for (const AttackerRecord& attacker : attackers) {
    const std::string context = fmt::format("{} '{}'", where, printable(attacker.name));
    if (!names.insert(attacker.name).second) return invalid("{}: occurs twice", context);
    if (auto checked = check_scores(attacker.selection, sizes.selection); !checked) {
      return with_context(checked.error(), context + ": selection");
    }
    if (auto checked = check_scores(attacker.certification, sizes.certification); !checked) {
      return with_context(checked.error(), context + ": certification");
    }
  }
  return {};
}

Result<> check_cut(const CutRecord& cut, Sizes sizes) {
  TRY_OK(check_attackers("attacker", cut.attackers, sizes));
  for (const GalleryRow& row : cut.gallery) {
    if (row.input >= sizes.certification) {
      return invalid("gallery: input {}, want under {}", row.input, sizes.certification);
    }
  }
  return {};
}

// What no field can tell alone.
Result<> check(const AuditRecord& record) {
  const Json splits = Json::parse(record.splits, nullptr, false);
  if (const auto schema = splits.find("schema");
      schema == splits.end() || *schema != "cloister/splits/1") {
    return fail(Kind::kUnsupported, "splits: want schema 'cloister/splits/1'");
  }
  TRY(selection, part_size(splits, "selection"));
  TRY(certification, part_size(splits, "certification"));
  const Sizes sizes{selection, certification};
  if (info_of(record.metric).is_advantage()) {
    return invalid("metric: '{}', want one that is not an advantage", to_string(record.metric));
  }
  TRY_OK(check_attackers("baseline", record.baselines, sizes));
  std::set<std::string_view> ids;
  double share = 0;
  for (const CutRecord& cut : record.cuts) {
    const std::string context = fmt::format("cut '{}'", printable(cut.id));
    if (!ids.insert(cut.id).second) return invalid("{}: occurs twice", context);
    if (cut.macs_share < share) {
      return invalid("{}: macs_share {} after a cut with {}, want shallowest first", context,
                     cut.macs_share, share);
    }
    share = cut.macs_share;
    if (auto checked = check_cut(cut, sizes); !checked) {
      return with_context(checked.error(), context);
    }
  }
  return {};
}

Result<AuditRecord> parse(std::string_view text) {
  TRY(record, read_json_record<AuditRecord>(text, kRecordSchema, kMaxRecordBytes));
  for (CutRecord& cut : record.cuts) {
    if (cut.verdict) cut.verdict->cut = cut.id;
  }
  TRY_OK(check(record));
  return record;
}

}  // namespace

std::string record_json(const AuditRecord& record) {
  return write_json_record(record);
}

Result<AuditRecord> parse_record(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "audit record");
  return parsed;
}

Result<AuditRecord> read_record(const fs::path& path) {
  return parse_file(path, kMaxRecordBytes, parse_record);
}

}  // namespace cloister::audit
