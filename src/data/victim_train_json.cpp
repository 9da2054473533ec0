#include "data/victim_train_json.h"

#include <nlohmann/json.hpp>

#include "base/parse_file.h"
#include "record/reader.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kTrainedOnSchema = "cloister/trained-on/1";
constexpr uint64_t kMostTrainedOnBytes = 1ULL << 30;

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct TrainingInput {
  std::string id;
  Digest sha256{};
};

struct TrainedOn {
  Source source;
  std::vector<TrainingInput> inputs;
};

template <typename Io>
void fields(Io& io, Of<Io, TrainingInput> r) {
  io.text_or_empty("id", r.id, kMostTrainedOnBytes);
  io.digest("sha256", r.sha256);
}

template <typename Io>
void fields(Io& io, Of<Io, TrainedOn> r) {
  io.schema("schema", kTrainedOnSchema);
  io.group("source", [&](auto& source) {
    source.text_or_empty("kind", r.source.kind, kMostTrainedOnBytes);
    source.text_or_empty("name", r.source.name, kMostTrainedOnBytes);
    source.text_or_empty("sha256", r.source.sha256, kMostTrainedOnBytes);
  });
  io.rows("inputs", r.inputs, kMostTrainedOnBytes);
}

Result<VictimTrain> parse_trained_on(std::string_view json) {
  TRY(record, read_json_record<TrainedOn>(json, kTrainedOnSchema, kMostTrainedOnBytes));
  VictimTrain out;
  for (TrainingInput& input : record.inputs) {
    out.ids.push_back(std::move(input.id));
    out.digests.push_back(input.sha256);
  }
  return out;
}

}  // namespace

// By hand: one input a line, however few they are.
std::string victim_train_json(const Source& source, std::span<const Item> items,
                              std::span<const size_t> training) {
  std::string out = fmt::format(
      "{{\n  \"schema\": \"{}\",\n  \"source\": {{ \"kind\": {}, \"name\": {}, \"sha256\": {} "
      "}},\n  \"inputs\": [",
      kTrainedOnSchema, quoted(source.kind), quoted(source.name), quoted(source.sha256));
  for (size_t i = 0; i < training.size(); ++i) {
    const Item& item = items[training[i]];
    out += fmt::format("{}\n    [{}, \"{}\"]", i == 0 ? "" : ",", quoted(item.id),
                       to_hex(item.digest));
  }
  return out + "\n  ]\n}\n";
}

Result<VictimTrain> parse_victim_train(std::string_view json) {
  auto parsed = parse_trained_on(json);
  if (!parsed) return with_context(parsed.error(), "trained-on record");
  return parsed;
}

Result<VictimTrain> read_victim_train(const fs::path& path) {
  return parse_file(path, kMostTrainedOnBytes, parse_victim_train);
}

}  // namespace cloister::audit
