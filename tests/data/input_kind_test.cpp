// Every kind of input is told of wherever kinds are listed.
#include "data/input_kind.h"

#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "base/file.h"
#include "tests/support/data.h"
#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

std::string words_of(const std::string& file) {
  const auto text = read_file(cloister::test::data_path(file));
  EXPECT_TRUE(text) << file;
  return std::regex_replace(text.value_or(""), std::regex("\\s+"), " ");
}

TEST(InputKinds, EachIsInHelpAndDocumentation) {
  const std::string help = words_of("help/audit.txt"), docs = words_of("../../docs/audit.md"),
                    format = words_of("../../docs/formats/audit.md");
  std::set<std::string_view> names;
  for (const InputKindInfo& info : kInputKinds) {
    EXPECT_TRUE(help.contains(info.data)) << "tests/data/help/audit.txt: " << info.data;
    EXPECT_TRUE(docs.contains(info.data)) << "docs/audit.md: " << info.data;
    EXPECT_TRUE(format.contains("\"" + std::string(info.name) + "\""))
        << "docs/formats/audit.md: " << info.name;
    EXPECT_EQ(&info_of(info.kind), &info);
    EXPECT_EQ(find_input_kind(info.name), &info);
    names.insert(info.name);
  }
  EXPECT_EQ(names.size(), kInputKinds.size());
  EXPECT_EQ(find_input_kind("none"), nullptr);
}

TEST(InputKinds, APathSaysItsKind) {
  const cloister::test::TempDir folder;
  EXPECT_EQ(input_kind(folder.path()), InputKind::kPictures);
  EXPECT_EQ(input_kind(folder.path() / "rows.csv"), InputKind::kRows);
}

}  // namespace
}  // namespace cloister::audit
