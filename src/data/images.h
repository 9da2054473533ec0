// Folders of pictures as data sets (library cloister_audit_images: the only part of the audit's
// data that needs OpenCV). Pictures are decoded one at a time and not held.
#pragma once

#include <functional>

#include "data/dataset.h"
#include "image/picture_files.h"
#include "image/preprocess.h"

namespace cloister::audit {

// kAuto: from the CSV file where one is named; else, where all pictures lie in sub-folders, the
// first folder's name; else none.
enum class LabelsFrom { kAuto, kNone, kFolders, kCsv };

struct ImageOptions {
  fs::path folder;  // searched with its sub-folders for .jpg, .jpeg and .png
  LabelsFrom labels = LabelsFrom::kAuto;
  fs::path csv;        // a table of files, relative to the folder, and labels
  char separator = 0;  // of its cells, as TableOptions has it
  std::string file_column = "file";
  std::string label_column = "label";
  std::vector<std::string> class_names;  // class i is called class_names[i]; empty: see classes
  int64_t classes = 0;    // labels must be whole numbers below this; 0: whole numbers as they are,
                          // or names, numbered in sorted order
  int64_t min_side = 32;  // pixels; smaller pictures are skipped and counted
};

struct ImageSet {
  fs::path folder;
  std::vector<Item> items;  // sorted by id, the path below the folder; the digest is of the pixels
  std::vector<std::string> class_names;  // of labels that are names; empty for numbers
  Source source;                // skipped: files that can't be read, decoded or are too small, and
                                // files of the CSV that are not there
  OtherFiles others;            // in the folder, by their names no pictures
  uint64_t unlisted_files = 0;  // pictures that the CSV does not name
  std::string first_unlisted;
  // Pictures in no class folder, where others are in one, so that none has a class (kAuto).
  uint64_t beside_folders = 0;
  std::string first_beside;
  std::vector<std::string> notes;  // what a user should know of these files, and of the CSV
};

// Decodes every picture once for its digest. `progress` is told how many of how many are done.
// kNotFound for a folder that is not there; kInvalid for one without a usable picture, pictures
// both beside and in class folders, and what parse_table() refuses of a CSV; kUsage for a CSV
// without the columns. Thread-safe.
Result<ImageSet> scan_images(const ImageOptions& options,
                             const std::function<void(size_t, size_t)>& progress = {});

// One picture, prepared: errors of load_picture(), and kInvalid when its pixels are not those that
// were scanned. Thread-safe.
Result<Tensor> load_image(const ImageSet& images, size_t index, const Preprocess& preprocess);

}  // namespace cloister::audit
