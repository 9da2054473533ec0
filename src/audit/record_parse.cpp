#include <nlohmann/json.hpp>
#include <set>

#include "audit/record_reader.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::ordered_json;

// Beyond these a text of the size allowed would cost far more memory than its length.
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxContainers = 2'000'000;

// JSON allows a key twice and libraries disagree on which counts, so none is taken.
Result<Json> parse_json(std::string_view json) {
  std::vector<std::set<std::string>> open;
  size_t depth = 0;
  size_t containers = 0;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
        open.emplace_back();
        [[fallthrough]];
      case Json::parse_event_t::array_start:
        if (++depth > kMaxDepth) throw std::runtime_error("nested too deep");
        if (++containers > kMaxContainers) throw std::runtime_error("too many arrays and objects");
        break;
      case Json::parse_event_t::object_end:
        open.pop_back();
        [[fallthrough]];
      case Json::parse_event_t::array_end:
        --depth;
        break;
      case Json::parse_event_t::key: {
        const auto& key = parsed.get_ref<const std::string&>();
        if (!open.back().insert(key).second) {
          throw std::runtime_error(fmt::format("key '{}' is there twice", printable(key, 40)));
        }
        break;
      }
      case Json::parse_event_t::value:
        break;
    }
    return true;
  };
  try {
    return Json::parse(json, watch);
  } catch (const Json::exception& e) {
    return invalid("not JSON: {}", printable(e.what(), 200));
  } catch (const std::exception& e) {
    return invalid("{}", e.what());
  }
}

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
      return invalid("scores.{}: {} scores, want {}", word(scores.metric), scores.values.size(),
                     want);
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
    if (!names.insert(attacker.name).second) return invalid("{}: there twice", context);
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
  if (without_floor(record.metric) != record.metric) {
    return invalid("metric: '{}', want one that is no advantage", word(record.metric));
  }
  TRY_OK(check_attackers("baseline", record.baselines, sizes));
  std::set<std::string_view> ids;
  double share = 0;
  for (const CutRecord& cut : record.cuts) {
    const std::string context = fmt::format("cut '{}'", printable(cut.id));
    if (!ids.insert(cut.id).second) return invalid("{}: there twice", context);
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
  if (text.size() > kMaxRecordBytes) {
    return invalid("{} bytes, at most {} are read", text.size(), kMaxRecordBytes);
  }
  TRY(json, parse_json(text));
  // A record of another version has other keys, so its version comes first.
  if (json.is_object() && json.contains("schema") && json["schema"] != kRecordSchema) {
    const std::string found = json["schema"].dump(-1, ' ', false, Json::error_handler_t::replace);
    return fail(Kind::kUnsupported, "schema: {}, want '{}'", printable(found, 40), kRecordSchema);
  }
  AuditRecord record;
  RecordReader reader;
  reader.read(json, record);
  if (reader.error()) return std::unexpected(*reader.error());
  for (CutRecord& cut : record.cuts) {
    if (cut.verdict) cut.verdict->cut = cut.id;
  }
  TRY_OK(check(record));
  return record;
}

}  // namespace

Result<AuditRecord> parse_record(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "audit record");
  return parsed;
}

Result<AuditRecord> read_record(const fs::path& path) {
  TRY(json, read_file(path, kMaxRecordBytes));
  auto parsed = parse_record(json);
  if (!parsed) {
    return with_context(parsed.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  return parsed;
}

}  // namespace cloister::audit
