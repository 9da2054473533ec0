// Where the Hugging Face hub's cache is: as huggingface_hub/constants.py says.
#include "app/options/data_links.h"

#include <gtest/gtest.h>

#include <map>

namespace cloister {
namespace {

TEST(DataLinks, TheHubsCacheIsWhereItsToolsPutIt) {
  const auto cache = [](const std::map<std::string, std::string>& environment) {
    return hub_cache([&](const char* name) {
             const auto found = environment.find(name);
             return found == environment.end() ? nullptr : found->second.c_str();
           })
        .string();
  };
  EXPECT_EQ(cache({}), "");
  EXPECT_EQ(cache({{"HOME", "/home/a"}}), "/home/a/.cache/huggingface/hub");
  EXPECT_EQ(cache({{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "/c"}}), "/c/huggingface/hub");
  EXPECT_EQ(cache({{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "/c"}, {"HF_HOME", "~/hf"}}),
            "/home/a/hf/hub");
  EXPECT_EQ(cache({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}), "/old");
  EXPECT_EQ(cache({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}), "/new");
  EXPECT_EQ(cache({{"HF_HUB_CACHE", ""}, {"HF_HOME", "/hf"}}), "/hf/hub");
}

TEST(DataLinks, FoldersMustBeThere) {
  DataLinkOptions options;
  options.folders = {"/"};
  const auto links = options.read();
  ASSERT_TRUE(links);
  EXPECT_EQ(links->folders.size(), 1U);
  options.folders = {"/no/such"};
  EXPECT_EQ(options.read().error().kind, Kind::kUsage);
}

}  // namespace
}  // namespace cloister
