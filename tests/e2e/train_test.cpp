// `cloister train` as users run it: what it learns and writes, what it refuses, and that a run that
// was interrupted or killed ends where an uninterrupted one does.
#include "tests/support/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "data/encoder_json.h"
#include "data/victim_train_json.h"
#include "tensor/npy.h"
#include "tensor/npz.h"

namespace cloister {
namespace {

using test::Arguments;
using test::Train;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Train, LearnsATable) {
  const auto json = json_of(table({"--validation", "0.2"}));
  EXPECT_EQ(json["schema"], "cloister/train/1");
  EXPECT_EQ(json["data"]["features"], 5);
  EXPECT_EQ(json["epochs"].size(), 20U);
  EXPECT_TRUE(json["epochs"][0].contains("validation_accuracy"));
  EXPECT_EQ(json["training"]["samples"], 480);
  EXPECT_EQ(json["validation"]["samples"], 120);
  const double accuracy = json["validation"]["accuracy"];
  EXPECT_GT(accuracy, 0.9);
  EXPECT_GT(accuracy, json["validation"]["majority"].get<double>() + 0.3);
  EXPECT_EQ(json["classes"].size(), 3U);
  EXPECT_EQ(json["classes"][2]["name"], "scan");
  EXPECT_EQ(json["written"].size(), 4U);
  EXPECT_EQ(json["sha256"], to_hex(sha256(as_bytes(*read_file(dir_ / "x.onnx")))));
  EXPECT_EQ(*read_file(dir_ / "labels.txt"), "dos\nnormal\nscan\n");
  const auto again = json_of(table({"--validation", "0.2"}));
  EXPECT_EQ(again["sha256"], json["sha256"]);
}

TEST_F(Train, SaysForPeopleHowGoodItIs) {
  const test::Finished finished = run(table({}, "2"));
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("epoch 2/2  loss "));
  EXPECT_THAT(finished.out, StartsWith("training          540 samples  loss "));
  EXPECT_THAT(finished.out, HasSubstr("always the most frequent class: "));
  EXPECT_THAT(finished.out, HasSubstr("\nclass   validation  recall\n"));
  EXPECT_THAT(finished.out, HasSubstr("\nencoding.json  "));
  EXPECT_THAT(finished.out, HasSubstr("\ntrained-on.json  "));
}

// What an audit reads: rows through encoding.json, in another table, give the accuracy that was
// reported, and the inputs that were trained on are named.
TEST_F(Train, TheRecordsGiveWhatTheModelWasTrainedOn) {
  const auto json = json_of(table({"--validation", "0.3", "--scaling", "log-standard"}));
  const auto encoding = audit::read_encoding(dir_ / "encoding.json");
  ASSERT_TRUE(encoding) << encoding.error().message;
  const auto trained_on = audit::read_victim_train(dir_ / "trained-on.json");
  ASSERT_TRUE(trained_on) << trained_on.error().message;
  EXPECT_EQ(trained_on->ids.size(), json["training"]["samples"].get<size_t>());

  const auto rows = audit::read_table(dir_ / "t.csv", encoding->table);
  ASSERT_TRUE(rows) << rows.error().message;
  const auto encoder = audit::bind_encoding(*encoding, *rows);
  ASSERT_TRUE(encoder) << encoder.error().message;
  const std::set<Digest> seen(trained_on->digests.begin(), trained_on->digests.end());
  std::vector<size_t> unseen;
  for (size_t i = 0; i < rows->items.size(); ++i) {
    if (!seen.contains(rows->items[i].digest)) unseen.push_back(i);
  }
  EXPECT_EQ(unseen.size(), json["validation"]["samples"].get<size_t>());
  const Tensor features = *encoder->encode(*rows, unseen);
  ASSERT_TRUE(write_npy(dir_ / "x.npy", features.view()));
  const test::Finished ran =
      test::run_program(CLOISTER, {"run", "x.onnx", "--input", "x.npy", "-o", "y.npy"}, options_);
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto logits = read_npy(dir_ / "y.npy");
  ASSERT_TRUE(logits);
  size_t correct = 0;
  for (size_t i = 0; i < unseen.size(); ++i) {
    const auto row = logits->as<float>().subspan(3 * i, 3);
    correct += std::ranges::max_element(row) - row.begin() == rows->items[unseen[i]].label ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(correct) / static_cast<double>(unseen.size()),
              json["validation"]["accuracy"].get<double>(), 1e-9);
}

TEST_F(Train, RecordsGoWhereTheyAreWanted) {
  json_of(table({"--records", "model", "--class-weights", "balanced", "--label-smoothing", "0.1"},
                "1"));
  EXPECT_THAT(files("model"), ElementsAre("encoding.json", "labels.txt", "trained-on.json"));
}

TEST_F(Train, MakesTheFolderOfTheModel) {
  Arguments arguments = table({}, "1");
  arguments[8] = "detector/new/model.onnx";
  const auto json = json_of(arguments);
  EXPECT_EQ(json["model"], "detector/new/model.onnx");
  EXPECT_THAT(files("detector/new"),
              ElementsAre("encoding.json", "labels.txt", "model.onnx", "trained-on.json"));
}

// A table as pandas, a spreadsheet or a hand leaves it.
TEST_F(Train, TablesAsPeopleHaveThem) {
  const auto encoding = [&](const std::string& text, const Arguments& more = {},
                            const std::string& drop = "ip") {
    write("t.csv", text);
    Arguments arguments = table(more, "1");
    arguments[6] = drop;
    const auto json = json_of(arguments);
    EXPECT_FALSE(json.is_discarded());
    return *read_file(dir_ / "encoding.json");
  };
  const std::string plain = test::table_text(600);
  const std::string want = encoding(plain);
  std::string indexed = "," + plain, other = plain;
  int row = 0;
  for (size_t at = indexed.find('\n'); at + 1 < indexed.size(); at = indexed.find('\n', at + 1)) {
    indexed.insert(at + 1, fmt::format("{},", row++));
  }
  EXPECT_NE(encoding(indexed, {}, "ip,column 1").find("\"column 1\""), std::string::npos);
  std::ranges::replace(other, ',', ';');
  EXPECT_EQ(encoding("\xef\xbb\xbf\n" + other + "\n\n"), want);
  EXPECT_EQ(encoding(other, {"--separator", "semicolon"}), want);
  fs::remove(dir_ / "x.onnx");
  write("t.csv", plain.substr(0, plain.size() - 1) + "\n1,\xfc,3,4,dos\n");
  wrong(table({}, "1"), 1, "line 602: column 'proto' has '\\xfc', which is not UTF-8");
  wrong(table({"--separator", "ab"}, "1"), 2, "--separator 'ab': want comma");
}

TEST_F(Train, LeavesOutDuplicatesAndSaysSo) {
  const std::string rows = test::table_text(600);
  write("t.csv",
        rows + rows.substr(rows.find('\n') + 1) + "40,udp,3,10.9.9.9,dos\n40,udp,3,b,scan\n");
  const test::Finished finished = run(table({"--json"}, "1"));
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("note: 601 of 1202 rows equal an earlier one"));
  EXPECT_THAT(finished.err, HasSubstr("1 of them with another label"));
  const auto json = nlohmann::json::parse(finished.out);
  EXPECT_EQ(json["data"]["exact_duplicates_removed"], 600);
  EXPECT_EQ(json["data"]["equal_inputs_removed"], 1);
}

TEST_F(Train, BadInputsAreOneLineAndWriteNothing) {
  write("ragged.csv", "n,proto,noise,ip,kind\n1,tcp,2,a,dos\n1,tcp,2\n");
  write("twice.csv", "n,n,kind\n1,2,a\n");
  write("noheader.csv", "");
  write("one.csv", "n,proto,noise,ip,kind\n1,tcp,2,a,dos\n2,udp,2,b,dos\n3,tcp,2,c,dos\n");
  write("number.csv", "n,kind\n1,0\n2,1\n3,7\n4,0\n");
  write("words.csv", "n,proto,noise,ip,kind\n1,tcp,2,a,dos\nx,udp,2,b,scan\n3,tcp,2,c,dos\n");
  write("folder.npz", "not an archive");
  write("text.onnx", "no model");
  const auto with = [&](const std::string& data, Arguments more = {}) {
    Arguments all = {"mlp.onnx", "--data", data, "-o", "x.onnx", "--validation", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::tuple<Arguments, int, std::string> cases[] = {
      {{}, 2, "required"},
      {with("none.csv", {"--label", "kind"}), 1, "can't open 'none.csv'"},
      {with("t.csv"), 2, "a table needs --label COLUMN"},
      {with("t.csv", {"--label", "king"}), 2, "label column 'king' is not among the 5"},
      {with("t.csv", {"--label", "kind", "--drop", "ip,opi"}), 2, "dropped column 'opi' is not"},
      {with("t.csv", {"--label", "kind"}), 1, "inputs are f32[N,"},
      {with("ragged.csv", {"--label", "kind"}), 1, "'ragged.csv': line 3: 3 cells, the header"},
      {with("twice.csv", {"--label", "kind"}), 1, "column 'n' occurs twice"},
      {with("noheader.csv", {"--label", "kind"}), 1, "empty file, want a header"},
      {with("one.csv", {"--label", "kind"}), 1, "all 3 inputs are of class 0, want 2 classes"},
      {with("number.csv", {"--label", "kind"}), 1, "labels from 0 to 7, the model has 3 classes"},
      {with("words.csv", {"--label", "kind", "--numeric", "n"}), 1, "line 3: column 'n' is 'x'"},
      {table({"--max-categories", "1"}), 2, "at most 1 categories, want 2 or more"},
      {table({"--scaling", "cubic"}), 2, "--scaling"},
      {table({"--validation", "1"}), 2, "a validation share of 1"},
      {table({"--validation", "0.0001"}), 1, "too few for a validation share"},
      {table({"--class-weights", "some"}), 2, "--class-weights"},
      {table({"--label-smoothing", "1"}), 2, "label smoothing 1, want"},
      {table({}, "0"), 2, "0 epochs"},
      {table({"--optimizer", "sgd"}, "20", "1e9"), 1, "try a smaller learning rate"},
      {table({"--resume"}), 2, "--resume needs --checkpoint"},
      {table({"--flip"}), 2, "--flip is only for folders of pictures"},
      {table({"--preprocess", "imagenet"}), 2, "--preprocess is only for folders"},
      {table({"--loss", "mse"}), 2, "--loss mse needs an .npz"},
      {table({"--records", "t.csv/none"}), 1, "can't make folder 't.csv/none'"},
      {table({"--device", "tpu"}), 2, "no device 'tpu'; want cpu or cuda"},
      {table({"-o", "no/x.onnx"}), 2, "--output"},
      {{"mlp.onnx", "--data", "t.csv", "--label", "kind", "-o", "t.csv/x.onnx"},
       1,
       "can't make folder 't.csv'"},
      {{"none.onnx", "--data", "t.csv", "--label", "kind", "-o", "x.onnx"}, 1, "none.onnx"},
      {{"text.onnx", "--data", "t.csv", "--label", "kind", "-o", "x.onnx"}, 1, "text.onnx"},
      {with("folder.npz"), 1, "'folder.npz'"},
      {with("folder.npz", {"--label", "kind"}), 2, "--label is only for tables and pictures"},
  };
  const auto before = files();
  for (const auto& [arguments, code, message] : cases) wrong(arguments, code, message);
  EXPECT_EQ(files(), before);
}

TEST_F(Train, BadArraysAreOneLine) {
  Tensor inputs = *Tensor::make(DType::kF32, {4, 5});
  Tensor labels = *Tensor::make(DType::kI64, {4});
  const auto check = [&](const std::string& part) {
    const NamedTensor arrays[] = {{"inputs", inputs}, {"labels", labels}};
    ASSERT_TRUE(write_npz(dir_ / "a.npz", arrays));
    wrong({"mlp.onnx", "--data", "a.npz", "-o", "x.onnx"}, 1, part);
  };
  check("all 4 samples are of class 0, want 2 classes or more");
  labels.mutable_as<int64_t>()[1] = 3;
  check("labels from 0 to 3, the model has 3 classes (output 'logits')");
  labels.mutable_as<int64_t>()[1] = -1;
  check("labels from -1 to 0");
  labels.mutable_as<int64_t>()[1] = 1;
  inputs.mutable_as<float>()[12] = std::numeric_limits<float>::quiet_NaN();
  check("'a.npz': inputs that are not finite: sample 2 has a nan");
  inputs = *Tensor::make(DType::kF64, {4, 5});
  check("inputs are f64[N,5], the model's 'features' is f32[N,5]");
  inputs = *Tensor::make(DType::kF32, {3, 5});
  check("their first dimensions must be equal");
  labels = *Tensor::make(DType::kF32, {3});
  check("want one integer class a sample");
  const NamedTensor arrays[] = {{"x", inputs}};
  ASSERT_TRUE(write_npz(dir_ / "a.npz", arrays));
  wrong({"mlp.onnx", "--data", "a.npz", "-o", "x.onnx"}, 1, "'a.npz' has no array 'inputs'");
}

TEST_F(Train, AFullDiskIsOneLine) {
  // Epoch lines come before; the last line is the error.
  const auto last_line = [](std::string text) {
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  };
  Arguments to_device = table({}, "1");
  *std::ranges::find(to_device, "x.onnx") = "/dev/full";
  test::Finished finished = run(to_device);
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(last_line(finished.err),
              StartsWith("cloister train: can't write '/dev/full': No space left"));
  options_.max_file_bytes = 20'000;
  finished = run(table({}, "1"));
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(last_line(finished.err), StartsWith("cloister train: can't write 'x.onnx'"));
  EXPECT_THAT(files(), ElementsAre("mlp.onnx", "t.csv"));
  finished = run(table({"--checkpoint", "state"}, "1"));
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(last_line(finished.err), HasSubstr("can't write 'state/checkpoint.pt'"));
}

class Resumed : public Train, public testing::WithParamInterface<int> {};

TEST_P(Resumed, EndsWhereAnUninterruptedRunEnds) {
  const int signal = GetParam();
  const std::string epochs = "40";
  const auto whole = json_of(table({}, epochs));
  const std::string want = *read_file(dir_ / "x.onnx");
  fs::remove(dir_ / "x.onnx");
  const fs::path checkpoint = dir_ / "state/checkpoint.pt";
  const int status = signalled(table({"--checkpoint", "state"}, epochs), signal,
                               [&] { return fs::exists(checkpoint); });
  if (signal == SIGKILL) {
    ASSERT_TRUE(WIFSIGNALED(status)) << "it was done before it was killed";
  } else {
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + signal);
    EXPECT_THAT(*read_file(dir_ / ".err"), HasSubstr("of 40 epochs; 'state' has the state"));
  }
  EXPECT_FALSE(fs::exists(dir_ / "x.onnx"));

  fails(table({"--checkpoint", "state", "--resume", "--seed", "7"}, epochs), 3, "cloister train",
        "'state/checkpoint.pt': it belongs to another model, other data or other options");
  const auto resumed = json_of(table({"--checkpoint", "state", "--resume"}, epochs));
  EXPECT_EQ(*read_file(dir_ / "x.onnx"), want);
  EXPECT_EQ(resumed["epochs"], whole["epochs"]);
  EXPECT_EQ(resumed["validation"], whole["validation"]);
}

INSTANTIATE_TEST_SUITE_P(All, Resumed, testing::Values(SIGKILL, SIGINT, SIGTERM),
                         [](const auto& test) { return std::string(::sigabbrev_np(test.param)); });

TEST_F(Train, ADamagedCheckpointIsNamed) {
  fs::create_directory(dir_ / "state");
  write("state/checkpoint.pt", "not a checkpoint");
  wrong(table({"--checkpoint", "state", "--resume"}), 1,
        "checkpoint 'state/checkpoint.pt': damaged: ");
}

}  // namespace
}  // namespace cloister
