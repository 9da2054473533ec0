#include "data/victim_train_json.h"

#include <nlohmann/json.hpp>

#include "base/parse_file.h"
#include "record/json.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kSchema = "cloister/trained-on/1";
constexpr uint64_t kMaxBytes = 1ULL << 30;

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Digest> parse_digest(std::string_view key, const Json& value) {
  TRY(text, json_text(key, value));
  Digest digest{};
  const auto nibble = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  bool good = text.size() == 2 * digest.size();
  for (size_t i = 0; good && i < digest.size(); ++i) {
    const int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    if (good) digest[i] = static_cast<std::byte>(16 * high + low);
  }
  if (!good) return wrong_json(key, value, "64 digits of 0-9a-f");
  return digest;
}

Result<VictimTrain> parse(std::string_view json) {
  TRY(root, parse_strict_json(json, kMaxBytes));
  TRY_OK(check_schema(root, kSchema));
  TRY_OK(check_keys("record", root, {"schema", "source", "inputs"}));
  const Json& source = root["source"];
  TRY_OK(check_keys("source", source, {"kind", "name", "sha256"}));
  for (const auto& [key, value] : source.items()) TRY_OK(json_text("source." + key, value));
  const Json& inputs = root["inputs"];
  if (!inputs.is_array()) return wrong_json("inputs", inputs, "an array");
  VictimTrain out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string key = fmt::format("inputs[{}]", i);
    if (!inputs[i].is_array() || inputs[i].size() != 2) {
      return wrong_json(key, inputs[i], "[id, digest]");
    }
    TRY(id, json_text(key + "[0]", inputs[i][0]));
    TRY(digest, parse_digest(key + "[1]", inputs[i][1]));
    out.ids.push_back(std::move(id));
    out.digests.push_back(digest);
  }
  return out;
}

}  // namespace

// By hand: one input a line, where dump() would take four.
std::string victim_train_json(const Source& source, std::span<const Item> items,
                              std::span<const size_t> training) {
  std::string out = fmt::format(
      "{{\n  \"schema\": \"{}\",\n  \"source\": {{ \"kind\": {}, \"name\": {}, \"sha256\": {} "
      "}},\n  \"inputs\": [",
      kSchema, quoted(source.kind), quoted(source.name), quoted(source.sha256));
  for (size_t i = 0; i < training.size(); ++i) {
    const Item& item = items[training[i]];
    out += fmt::format("{}\n    [{}, \"{}\"]", i == 0 ? "" : ",", quoted(item.id),
                       to_hex(item.digest));
  }
  return out + "\n  ]\n}\n";
}

Result<VictimTrain> parse_victim_train(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "trained-on record");
  return parsed;
}

Result<VictimTrain> read_victim_train(const fs::path& path) {
  return parse_file(path, kMaxBytes, parse_victim_train);
}

}  // namespace cloister::audit
