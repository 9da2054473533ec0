#include "app/public_keys.h"

#include "base/file.h"

namespace cloister {

Result<std::vector<minisign::PublicKey>> read_public_keys(const std::vector<std::string>& given) {
  std::vector<minisign::PublicKey> keys;
  for (const std::string& name_or_text : given) {
    std::string text = name_or_text;
    if (std::error_code code; fs::exists(name_or_text, code)) {
      TRY(file, read_file(name_or_text, minisign::kMaxKeyFileBytes));
      text = std::move(file);
    }
    auto key = minisign::parse_public_key(text);
    if (!key) return with_context(key.error(), "--signer '" + printable(name_or_text) + "'");
    keys.push_back(*key);
  }
  return keys;
}

}  // namespace cloister
