// Folders of pictures: labels, skips, digests; and real photos.
#include "data/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/data.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace cloister::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Images : public testing::Test {
 protected:
  // Puts a picture of tests/data/image (37x23 pixels, mostly) into the folder.
  void put(const std::string& from, const std::string& to) {
    fs::create_directories((dir_ / to).parent_path());
    fs::copy_file(test::data_path("image/" + from), dir_ / to);
  }
  ImageOptions options() const {
    ImageOptions out;
    out.folder = dir_.path();
    out.min_side = 20;
    return out;
  }
  static std::string message(const ImageOptions& options) {
    const auto found = scan_images(options);
    return found ? std::string("accepted") : found.error().message;
  }

  test::TempDir dir_;
};

TEST_F(Images, ClassFolders) {
  put("color.png", "dog/a.PNG");
  put("color.jpg", "cat/deep/b.jpeg");
  put("gray.png", "cat/c.png");
  put("text.png", "cat/notes.txt");
  const auto found = scan_images(options());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->class_names, ElementsAre("cat", "dog"));
  ASSERT_THAT(found->items, SizeIs(3));
  EXPECT_EQ(found->items[0].id, "cat/c.png");
  EXPECT_EQ(found->items[0].label, 0);
  EXPECT_EQ(found->items[2].label, 1);
  EXPECT_EQ(found->others.count, 1U);
  EXPECT_THAT(found->notes, ElementsAre("1 file is no JPEG or PNG picture and was passed over: 1 "
                                        ".txt ('cat/notes.txt')"));
  const auto loaded = load_image(*found, 2, *preprocess_preset("raw"));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->shape(), Shape({1, 3, 23, 37}));
  ImageOptions named = options();
  named.class_names = {"bird", "dog", "cat"};
  EXPECT_EQ(scan_images(named)->items[0].label, 2);
  named.class_names = {"bird", "dog"};
  EXPECT_EQ(message(named), "class folder 'cat' is not one of the 2 classes");
  named.class_names = {};
  named.classes = 10;
  EXPECT_THAT(message(named), HasSubstr("class folder 'cat', want a whole number under 10"));
}

TEST_F(Images, FilesThatArePassedOverAreNamed) {
  put("color.png", "cat/a.png");
  put("gray.png", "dog/b.png");
  put("color.jpg", "contact-sheet.png");
  put("color.jpg", "cat/c.WEBP");
  put("color.jpg", "cat/b.webp");
  put("color.jpg", "Makefile");
  const auto found = scan_images(options());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->items[0].label, -1);
  EXPECT_EQ(found->beside_folders, 1U);
  EXPECT_THAT(found->notes,
              ElementsAre("3 files are no JPEG or PNG pictures and were passed over: 1 other "
                          "('Makefile'), 2 .webp ('cat/b.webp', ...)",
                          "1 of 3 pictures are in no class folder, the first: "
                          "'contact-sheet.png'; so no picture has a class"));
}

TEST_F(Images, BadPicturesAreCountedNotLost) {
  put("color.png", "a.png");
  put("one.png", "b.png");
  put("bad-data.png", "c.png");
  put("text.png", "d.png");
  put("bomb-side.png", "e.png");
  const auto found = scan_images(options());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->items, SizeIs(1));
  EXPECT_EQ(found->items[0].label, -1);
  ASSERT_THAT(found->source.skipped, SizeIs(4));
  EXPECT_EQ(found->source.skipped[0].id, "b.png");
  EXPECT_EQ(found->source.skipped[0].reason, "1x1 pixels, want 20 a side or more");
  EXPECT_THAT(found->source.skipped[3].reason, HasSubstr("60000"));
}

TEST_F(Images, EqualPixelsHaveEqualDigests) {
  put("color.png", "a.png");
  put("color.png", "b.png");
  put("color.jpg", "c.jpg");
  const auto found = scan_images(options());
  EXPECT_EQ(found->items[0].digest, found->items[1].digest);
  EXPECT_NE(found->items[0].digest, found->items[2].digest);
}

TEST_F(Images, LabelsFromACsv) {
  put("color.png", "x/a.png");
  put("gray.png", "x/b.png");
  put("alpha.png", "c.png");
  ASSERT_TRUE(write_file(dir_ / "l.csv", "file,label,extra\nx/a.png,3,q\nx/b.png,0,-\n../d,1,q\n"));
  ImageOptions with = options();
  with.csv = dir_ / "l.csv";
  const auto found = scan_images(with);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_THAT(found->items, SizeIs(2));
  EXPECT_EQ(found->items[0].label, 3);
  EXPECT_THAT(found->class_names, IsEmpty());
  EXPECT_EQ(found->unlisted_files, 1U);
  EXPECT_THAT(found->notes, testing::Contains(HasSubstr("the first: 'c.png'")));
  EXPECT_EQ(found->source.skipped[0].reason, "named in the CSV, not in the folder");
  with.classes = 3;
  EXPECT_THAT(message(with), HasSubstr("line 2: label 3, want 0 or more and under 3"));
  with.label_column = "class";
  EXPECT_THAT(message(with), HasSubstr("label column 'class' is not among the 3"));
  ASSERT_TRUE(write_file(dir_ / "l.csv", "file,label\nx/a.png,cat\nx/a.png,dog\n"));
  with = options();
  with.csv = dir_ / "l.csv";
  EXPECT_THAT(message(with), HasSubstr("line 3: 'x/a.png' has label 1, and 0 before"));
}

TEST_F(Images, RefusesFoldersWithoutPictures) {
  EXPECT_THAT(message(options()), HasSubstr("no JPEG or PNG pictures among 0 other files"));
  put("one.png", "a.png");
  EXPECT_THAT(message(options()), HasSubstr("none of 1 pictures can be used; the first, 'a.png'"));
  put("color.png", "cat/b.png");
  ImageOptions folders = options();
  folders.labels = LabelsFrom::kFolders;
  EXPECT_THAT(message(folders), HasSubstr("'a.png' is beside the class folders"));
  folders.folder = dir_ / "none";
  EXPECT_EQ(scan_images(folders).error().kind, Kind::kNotFound);
}

TEST_F(Images, ChangedPicturesAreNoticed) {
  put("color.png", "a.png");
  put("gray.png", "b.png");
  const auto found = scan_images(options());
  fs::remove(dir_ / "a.png");
  put("gray.png", "a.png");
  const Preprocess raw = *preprocess_preset("raw");
  EXPECT_THAT(load_image(*found, 0, raw).error().message, HasSubstr("'a.png': has changed"));
  EXPECT_TRUE(load_image(*found, 1, raw));
  EXPECT_FALSE(load_image(*found, 2, raw));
}

TEST_F(Images, TinyImageNetIsSplit) {
  CLOISTER_NEEDS_SHARED_DATA("tiny-imagenet/val-images.tar.gz");
  const std::string unpack = fmt::format(
      "tar -xzf '{}' -C '{}'", test::shared_data("tiny-imagenet/val-images.tar.gz").string(),
      dir_.path().string());
  ASSERT_EQ(std::system(unpack.c_str()), 0);
  // The first 1500 of the list, so that this takes a second.
  const std::string csv = *read_file(test::shared_data("tiny-imagenet/val-labels.csv"));
  size_t end = 0;
  for (int line = 0; line < 1501; ++line) end = csv.find('\n', end) + 1;
  ASSERT_TRUE(write_file(dir_ / "labels.csv", csv.substr(0, end)));
  ImageOptions with = options();
  with.csv = dir_ / "labels.csv";
  with.label_column = "imagenet1k_index";
  with.classes = 1000;
  with.min_side = 64;
  size_t steps = 0;
  for (const auto& entry : fs::directory_iterator(dir_.path())) {
    if (entry.is_directory()) with.folder = entry.path();
  }
  const auto found = scan_images(with, [&](size_t, size_t) { ++steps; });
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->items, SizeIs(1500));
  EXPECT_EQ(found->unlisted_files, 8500U);
  EXPECT_EQ(steps, 10'001U);
  EXPECT_THAT(found->source.skipped, IsEmpty());
  const auto splits = make_splits(found->items, {});
  ASSERT_TRUE(splits) << splits.error().message;
  std::set<size_t> seen;
  for (const auto* part : {&splits->attacker_train, &splits->attacker_validation,
                           &splits->selection, &splits->certification}) {
    seen.insert(part->begin(), part->end());
  }
  EXPECT_EQ(seen.size() + splits->duplicates + splits->unused, 1500U);
  RecordProperty("equal_pictures", static_cast<int>(splits->duplicates));
  const auto loaded =
      load_image(*found, splits->certification[0], *preprocess_preset("tiny-imagenet"));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->shape(), Shape({1, 3, 64, 64}));
}

}  // namespace
}  // namespace cloister::audit
