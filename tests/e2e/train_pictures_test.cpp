// `cloister train` on folders of pictures.
#include "data/victim_train_json.h"
#include "graph/zoo/builder.h"
#include "image/preprocess.h"
#include "tests/support/data.h"
#include "tests/support/train.h"

namespace cloister {
namespace {

using test::Arguments;
using test::Train;
using testing::StartsWith;

// f32 [N,3,8,8] to two classes.
std::string picture_model() {
  zoo::ModelBuilder b("pictures", 1);
  b.input("x", DType::kF32, {"N", 3, 8, 8});
  b.random("w", {2, 192}, {.radius = 0.1F});
  b.add({.op = "Flatten", .inputs = {"x"}, .attrs = {{"axis", 1}}, .outputs = {"flat"}});
  b.add({.op = "Gemm", .inputs = {"flat", "w"}, .attrs = {{"transB", 1}}, .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", 2});
  return b.finish().SerializeAsString();
}

class TrainPictures : public Train {
 protected:
  TrainPictures() {
    write("p.onnx", picture_model());
    Preprocess p = *preprocess_preset("half");
    p.resize = ResizeMode::kExact;
    p.resize_size = 0;
    p.resize_width = p.resize_height = 8;
    p.crop_width = p.crop_height = 0;
    write("p.json", preprocess_json(p));
    add("photos/colour", {"color.png", "rotated.jpg", "palette.png", "color.jpg"});
    add("photos/gray", {"gray.png", "gray.jpg", "one.png"});
  }

  void add(const std::string& folder, const std::vector<std::string>& names) {
    fs::create_directories(dir_ / folder);
    for (const std::string& name : names) {
      fs::copy_file(test::data_path("image/" + name), dir_ / folder / name);
    }
  }

  static Arguments pictures(const Arguments& more = {}) {
    Arguments all = {"p.onnx",   "--data", "photos",    "-o", "x.onnx",       "--lr", "0.01",
                     "--epochs", "30",     "--threads", "1",  "--validation", "0.3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(TrainPictures, LearnsClassFolders) {
  const auto json = json_of(pictures({"--preprocess", "p.json", "--flip"}));
  EXPECT_EQ(json["data"]["kind"], "images");
  EXPECT_EQ(json["training"]["samples"].get<int>() + json["validation"]["samples"].get<int>(), 7);
  EXPECT_LT(json["training"]["loss"].get<double>(), 0.5 * json["epochs"][0]["loss"].get<double>());
  EXPECT_EQ(*read_file(dir_ / "labels.txt"), "colour\ngray\n");
  EXPECT_EQ(*read_preprocess(dir_ / "preprocess.json"), *read_preprocess(dir_ / "p.json"));
  const auto trained_on = audit::read_victim_train(dir_ / "trained-on.json");
  ASSERT_TRUE(trained_on);
  EXPECT_THAT(trained_on->ids,
              testing::Each(testing::AnyOf(StartsWith("colour/"), StartsWith("gray/"))));
  const auto again = json_of(pictures({"--preprocess", "p.json", "--flip"}));
  EXPECT_EQ(again["sha256"], json["sha256"]);
  const auto straight = json_of(pictures({"--preprocess", "p.json"}));
  EXPECT_NE(straight["sha256"], json["sha256"]);
}

TEST_F(TrainPictures, TakesLabelsFromACsv) {
  write("labels.csv",
        "file,label\ncolour/color.png,0\ncolour/rotated.jpg,1\ngray/gray.png,0\n"
        "gray/one.png,1\n");
  const auto json = json_of(pictures({"--preprocess", "p.json", "--labels", "labels.csv"}));
  EXPECT_EQ(json["training"]["samples"].get<int>() + json["validation"]["samples"].get<int>(), 4);
  EXPECT_FALSE(fs::exists(dir_ / "labels.txt"));
}

TEST_F(TrainPictures, BadFoldersAreOneLine) {
  wrong(pictures(), 2, "pictures need --preprocess");
  wrong(pictures({"--preprocess", "nope"}), 1, "can't open 'nope'");
  wrong(pictures({"--preprocess", "raw"}), 1, "--preprocess");
  wrong(pictures({"--preprocess", "imagenet"}), 1, "");
  wrong(pictures({"--preprocess", "p.json", "--drop", "a"}), 2, "--drop is only for tables");
  fs::create_directory(dir_ / "empty");
  wrong({"p.onnx", "--data", "empty", "--preprocess", "p.json", "-o", "x.onnx"}, 1, "'empty'");
  wrong({"p.onnx", "--data", "photos/gray", "--preprocess", "p.json", "-o", "x.onnx"}, 1,
        "the pictures have no classes; put them in class folders");
  add("photos/third", {"one.jpg", "deep.png"});
  wrong(pictures({"--preprocess", "p.json"}), 1, "labels from 0 to 2, the model has 2 classes");
  add("photos", {"alpha.png"});
  wrong(pictures({"--preprocess", "p.json"}), 1, "one is not, the first: 'alpha.png'; move what");
}

}  // namespace
}  // namespace cloister
