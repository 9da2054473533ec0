// Which files of a folder are pictures, by their names. No file is opened.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/file.h"

namespace cloister {

// Files that are no pictures for us, by their names' ending (".webp", in small letters; "" for
// none). Plain data.
struct OtherFiles {
  struct Ending {
    uint64_t files = 0;
    std::string first;  // of them, below the folder
  };
  std::map<std::string, Ending> endings;
  uint64_t count = 0;
};

// "3 files are no JPEG or PNG pictures and were passed over: 2 .webp ('a/x.webp', ...), 1 .txt
// ('notes.txt')"; empty for none.
std::string passed_over_text(const OtherFiles& others);

struct PictureFiles {
  std::vector<std::string> files;  // paths below the folder, sorted
  OtherFiles others;
};

// .jpg, .jpeg and .png, in capital letters too.
bool is_picture_name(const fs::path& path);

// The folder is searched with its sub-folders. kNotFound when there is none, kInvalid for more than
// 50 million pictures, kIo. Thread-safe.
Result<PictureFiles> list_pictures(const fs::path& folder);

// What a command's arguments name, in their order: files as they are, and the pictures of folders
// as list_pictures() gives them. kInvalid for a folder without a picture.
Result<std::vector<std::string>> expand_folders(const std::vector<std::string>& arguments,
                                                OtherFiles& others);

}  // namespace cloister
