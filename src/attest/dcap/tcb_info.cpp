#include "attest/dcap/tcb_info.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "record/json.h"

namespace cloister::attest {
namespace {

constexpr uint64_t kMaxJson = kMaxEndorsementBytes;
constexpr size_t kMostLevels = 256;
constexpr size_t kMostAdvisories = 256;

// A cursor over JSON that is known to be well-formed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A string as it stands, escapes and all, without its quotes.
  std::optional<std::string_view> string() {
    if (!take('"')) return std::nullopt;
    const size_t begin = at_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        return text_.substr(begin, at_++ - begin);
      }
    }
    return std::nullopt;
  }
  // Any value, to its last byte.
  std::optional<std::string_view> value() {
    skip_space();
    const size_t begin = at_;
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!string()) return std::nullopt;
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;  // of what is around a plain value
        --depth;
        ++at_;
      } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
        break;
      } else {
        ++at_;
        if (depth == 0) continue;
      }
      if (depth == 0) break;
    }
    if (at_ == begin) return std::nullopt;
    return text_.substr(begin, at_ - begin);
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

Result<const Json*> find(const Json& object, std::string_view key) {
  if (!object.is_object()) return invalid("no object around '{}'", key);
  const auto found = object.find(key);
  if (found == object.end()) return invalid("no key '{}'", key);
  return &*found;
}

Result<std::string> text(const Json& object, std::string_view key) {
  TRY(value, find(object, key));
  TRY(found, json_text(key, *value));
  if (found.size() > 100) return invalid("{}: {} bytes", key, found.size());
  return found;
}

Result<uint64_t> count(const Json& object, std::string_view key, uint64_t most) {
  TRY(value, find(object, key));
  return json_count(key, *value, most);
}

template <size_t N>
Result<> read_hex(const Json& object, std::string_view key, Fixed<N>& out) {
  TRY(digits, text(object, key));
  const auto parsed = parse_hex(digits, out.bytes);
  if (!parsed) return with_context(parsed.error(), std::string(key));
  return {};
}

// Eight digits of a number whose first byte stands first.
Result<uint32_t> hex_number(const Json& object, std::string_view key) {
  Fixed<4> bytes;
  TRY_OK(read_hex(object, key, bytes));
  return Reader(bytes.view()).number<uint32_t>();
}

Result<> check_head(const Json& root, std::string_view id, uint64_t lowest_version,
                    uint64_t highest_version, Time& issued, Time& next_update, uint64_t& number) {
  TRY(found_id, text(root, "id"));
  if (found_id != id) {
    return fail(Kind::kUnsupported, "id '{}', want '{}'", printable(found_id, 40), id);
  }
  TRY(version, count(root, "version", UINT32_MAX));
  if (version < lowest_version || version > highest_version) {
    return fail(Kind::kUnsupported, "version {}, want {} to {}", version, lowest_version,
                highest_version);
  }
  TRY(issued_text, text(root, "issueDate"));
  TRY(issued_time, parse_time(issued_text));
  issued = issued_time;
  TRY(next_text, text(root, "nextUpdate"));
  TRY(next_time, parse_time(next_text));
  next_update = next_time;
  TRY(evaluation, count(root, "tcbEvaluationDataNumber", UINT32_MAX));
  number = evaluation;
  return {};
}

Result<> read_status(const Json& level, TcbStatus& status, std::vector<std::string>& advisories) {
  TRY(name, text(level, "tcbStatus"));
  const auto known = from_string(name, status);
  if (!known) return fail(Kind::kUnsupported, "tcbStatus: {}", known.error().message);
  if (!level.contains("advisoryIDs")) return {};
  TRY(ids, json_texts("advisoryIDs", level["advisoryIDs"]));
  if (ids.size() > kMostAdvisories) return invalid("advisoryIDs: {} of them", ids.size());
  for (const std::string& id : ids) advisories.push_back(printable(id, 60));
  return {};
}

Result<> read_svns(const Json& tcb, std::string_view key, std::array<uint8_t, 16>& out) {
  TRY(list, find(tcb, key));
  if (!list->is_array() || list->size() != out.size()) {
    return wrong_json(key, *list, "an array of 16");
  }
  for (size_t i = 0; i < out.size(); ++i) {
    TRY(svn, count((*list)[i], "svn", 255));
    out[i] = static_cast<uint8_t>(svn);
  }
  return {};
}

Result<const Json*> level_list(const Json& root) {
  TRY(levels, find(root, "tcbLevels"));
  if (!levels->is_array() || levels->empty() || levels->size() > kMostLevels) {
    return wrong_json("tcbLevels", *levels, "an array of 1 to 256 levels");
  }
  return levels;
}

Result<TcbLevel> parse_level(const Json& json, bool tdx) {
  TcbLevel level;
  TRY(tcb, find(json, "tcb"));
  TRY_OK(read_svns(*tcb, "sgxtcbcomponents", level.sgx_svns));
  if (tdx) TRY_OK(read_svns(*tcb, "tdxtcbcomponents", level.tdx_svns));
  TRY(pce_svn, count(*tcb, "pcesvn", UINT16_MAX));
  level.pce_svn = static_cast<uint16_t>(pce_svn);
  TRY(date, text(json, "tcbDate"));
  TRY_OK(parse_time(date));
  level.date = date;
  TRY_OK(read_status(json, level.status, level.advisories));
  return level;
}

Result<std::vector<IsvLevel>> parse_isv_levels(const Json& root) {
  TRY(list, level_list(root));
  std::vector<IsvLevel> levels;
  for (const Json& json : *list) {
    IsvLevel& level = levels.emplace_back();
    TRY(tcb, find(json, "tcb"));
    TRY(svn, count(*tcb, "isvsvn", UINT16_MAX));
    level.isv_svn = static_cast<uint16_t>(svn);
    TRY_OK(read_status(json, level.status, level.advisories));
  }
  std::ranges::stable_sort(levels, std::greater{}, &IsvLevel::isv_svn);
  return levels;
}

Result<ModuleIdentity> parse_module(const Json& json, bool has_levels) {
  ModuleIdentity module;
  TRY_OK(read_hex(json, "mrsigner", module.mr_signer));
  Fixed<8> attributes;
  TRY_OK(read_hex(json, "attributes", attributes));
  TRY(number, Reader(attributes.view()).number<uint64_t>());
  module.attributes = number;
  if (!has_levels) return module;
  TRY(id, text(json, "id"));
  module.id = id;
  TRY(levels, parse_isv_levels(json));
  module.levels = std::move(levels);
  return module;
}

Result<> read_modules(const Json& root, TcbInfo& info) {
  TRY(base, find(root, "tdxModule"));
  TRY(module, parse_module(*base, false));
  info.modules.push_back(std::move(module));
  if (!root.contains("tdxModuleIdentities")) return {};
  const Json& list = root["tdxModuleIdentities"];
  if (!list.is_array() || list.size() > kMostLevels) {
    return wrong_json("tdxModuleIdentities", list, "an array");
  }
  for (const Json& json : list) {
    TRY(identity, parse_module(json, true));
    const bool twice =
        identity.id.empty() ||
        std::ranges::find(info.modules, identity.id, &ModuleIdentity::id) != info.modules.end();
    if (twice) return invalid("module '{}' occurs twice", printable(identity.id, 40));
    info.modules.push_back(std::move(identity));
  }
  return {};
}

bool better(const TcbLevel& a, const TcbLevel& b) {
  if (a.sgx_svns != b.sgx_svns) return a.sgx_svns > b.sgx_svns;
  if (a.pce_svn != b.pce_svn) return a.pce_svn > b.pce_svn;
  return a.tdx_svns > b.tdx_svns;
}

}  // namespace

Result<SignedJson> parse_signed_json(Bytes bytes, std::string_view key) {
  const std::string_view json = as_text(bytes);
  TRY(root, parse_strict_json(json, kMaxJson));
  TRY_OK(check_keys("collateral", root, {key, "signature"}));
  if (!root[key].is_object()) return wrong_json(key, root[key], "an object");
  TRY(signature, json_text("signature", root["signature"]));
  SignedJson parsed;
  Fixed<64> both;
  const auto hex = parse_hex(signature, both.bytes);
  if (!hex) return with_context(hex.error(), "signature");
  std::ranges::copy(both.view().first(32), parsed.r.bytes.begin());
  std::ranges::copy(both.view().last(32), parsed.s.bytes.begin());
  // The text is well-formed, has these two keys once each, and no others: what remains is to find
  // where the object stands.
  Scanner in(json);
  bool more = in.take('{');
  while (more) {
    const auto name = in.string();
    if (!name || !in.take(':')) break;
    const auto value = in.value();
    if (!value) break;
    if (*name == key) parsed.object = *value;
    more = in.take(',');
  }
  if (parsed.object.empty()) return invalid("no '{}', or spelt differently", key);
  return parsed;
}

Result<TcbInfo> parse_tcb_info(std::string_view object, bool tdx) {
  TRY(root, parse_strict_json(object, kMaxJson));
  TcbInfo info;
  TRY_OK(check_head(root, tdx ? "TDX" : "SGX", 3, 3, info.issued, info.next_update,
                    info.evaluation_number));
  TRY(type, count(root, "tcbType", UINT32_MAX));
  if (type != 0) return fail(Kind::kUnsupported, "tcbType {}, want 0", type);
  TRY_OK(read_hex(root, "fmspc", info.fmspc));
  TRY_OK(read_hex(root, "pceId", info.pce_id));
  TRY(list, level_list(root));
  for (const Json& json : *list) {
    TRY(level, parse_level(json, tdx));
    info.levels.push_back(std::move(level));
  }
  std::ranges::stable_sort(info.levels, better);
  if (tdx) TRY_OK(read_modules(root, info));
  return info;
}

Result<QeIdentity> parse_qe_identity(std::string_view object, bool tdx) {
  TRY(root, parse_strict_json(object, kMaxJson));
  QeIdentity identity;
  TRY_OK(check_head(root, tdx ? "TD_QE" : "QE", 2, 2, identity.issued, identity.next_update,
                    identity.evaluation_number));
  TRY(misc, hex_number(root, "miscselect"));
  TRY(misc_mask, hex_number(root, "miscselectMask"));
  identity.misc_select = misc;
  identity.misc_select_mask = misc_mask;
  TRY_OK(read_hex(root, "attributes", identity.attributes));
  TRY_OK(read_hex(root, "attributesMask", identity.attributes_mask));
  TRY_OK(read_hex(root, "mrsigner", identity.mr_signer));
  TRY(prod_id, count(root, "isvprodid", UINT16_MAX));
  identity.isv_prod_id = static_cast<uint16_t>(prod_id);
  TRY(levels, parse_isv_levels(root));
  identity.levels = std::move(levels);
  return identity;
}

}  // namespace cloister::attest
