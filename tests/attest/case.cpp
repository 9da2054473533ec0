#include "tests/attest/case.h"

#include <algorithm>
#include <cstdlib>

namespace cloister::attest::test {

std::vector<std::byte>& blob(std::vector<Blob>& blobs, std::string_view name) {
  const auto found = std::ranges::find(blobs, name, &Blob::name);
  if (found != blobs.end()) return found->bytes;
  return blobs.emplace_back(std::string(name)).bytes;
}

void remove_blob(std::vector<Blob>& blobs, std::string_view name) {
  std::erase_if(blobs, [&](const Blob& b) { return b.name == name; });
}

std::string failed(const Verdict& verdict) {
  std::string ids;
  for (const Check& check : verdict.checks) {
    if (check.outcome == Outcome::kFail) ids += (ids.empty() ? "" : ", ") + check.id;
  }
  return ids;
}

const Check& find_check(const Verdict& verdict, std::string_view id) {
  const auto found = std::ranges::find(verdict.checks, id, &Check::id);
  if (found == verdict.checks.end()) std::abort();
  return *found;
}

std::string text_of(const Verdict& verdict) {
  std::string text = verdict.trusted ? "trusted\n" : "not trusted\n";
  for (const Check& check : verdict.checks) {
    text += fmt::format("{:14} {:28} {} | {} | {}\n", to_string(check.outcome), check.id,
                        check.found, check.why, check.field);
  }
  return text;
}

}  // namespace cloister::attest::test
