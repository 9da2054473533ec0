// What `cloister` does around its commands; their help texts against tests/data/help, so that a
// change is seen in review. CLOISTER_UPDATE=1 writes those files anew.
#include "cli/version.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::Arguments;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCommands[] = {"inspect",    "split",   "run",    "plan",   "report",
                                     "keygen",     "seal",    "unseal", "bundle", "infer",
                                     "proxy",      "zoo",     "demo",   "audit",  "pictures",
                                     "preprocess", "profile", "train",  "verify", "endorsements"};

class Main : public test::CloisterTest {
 protected:
  void wrong(const Arguments& arguments, const std::string& part) {
    ProgramTest::fails(arguments, 2, "cloister", part);
  }
};

TEST_F(Main, HelpNamesEveryCommand) {
  const std::string out = done({"--help"});
  for (const std::string command : kCommands) EXPECT_THAT(out, HasSubstr("\n  " + command + " "));
  EXPECT_EQ(done({"-h"}), out);
}

TEST_F(Main, Version) {
  EXPECT_EQ(done({"--version"}), std::string("cloister ") + kVersion + "\n");
}

TEST_F(Main, WrongUsageIsOneLineWithAHint) {
  wrong({}, "no command given; see 'cloister --help'");
  wrong({""}, "no command given");
  wrong({"splot"}, "no command 'splot'; nearest: split; see 'cloister --help'");
  wrong({"in\nspect\x1b"}, "no command 'in\\x0aspect\\x1b'");
  wrong({"--nope"}, "unexpected argument: --nope");
  wrong({"--nope", "inspect"}, "unexpected argument: --nope");
  fails({"inspect", "--nope", "m.onnx"}, 2,
        "unexpected argument: --nope; see 'cloister inspect --help'");
  fails({"inspect"}, 2, "MODEL is required; see 'cloister inspect --help'");
}

TEST_F(Main, StartsOtherPrograms) {
  EXPECT_THAT(done({"preprocess", "--help"}), HasSubstr("Usage: cloister preprocess [IMAGE...]"));
  done({"preprocess", test::data_path("image/color.png"), "-o", "x.npy"});
  EXPECT_EQ(read_npy(dir_ / "x.npy")->shape(), Shape({1, 3, 224, 224}));
  fails({"preprocess", "none.png", "-o", "y.npy"}, 1, "can't open 'none.png'");
}

TEST_F(Main, SaysWhichProgramIsMissing) {
  fs::copy_file(program_, dir_ / "cloister");
  program_ = dir_ / "cloister";
  fails({"preprocess", "x.png"}, 1, "cloister-preprocess': No such file");
}

TEST_F(Main, OutputThatCanNotBeWrittenIsAFailure) {
  options_.out = "/dev/full";
  for (const Arguments& arguments :
       {Arguments{"zoo"}, Arguments{"inspect", "--help"}, Arguments{"preprocess", "--help"}}) {
    fails(arguments, 1, "can't write to stdout: No space left on device");
  }
  wrong({"splot"}, "no command 'splot'");
}

TEST_F(Main, HelpIsAsReviewed) {
  const bool update = std::getenv("CLOISTER_UPDATE") != nullptr;
  const auto check = [&](const std::string& name, const Arguments& arguments) {
    const std::string out = done(arguments);
    const fs::path file = test::data_path("help/" + name + ".txt");
    if (update) {
      EXPECT_TRUE(write_file(file, out));
    }
    EXPECT_EQ(read_file(file).value_or(""), out)
        << "with CLOISTER_UPDATE=1 this test writes " << file;
    for (size_t start = 0, end = 0; (end = out.find('\n', start)) != std::string::npos;) {
      EXPECT_LE(end - start, 85U) << out.substr(start, end - start);
      start = end + 1;
    }
  };
  check("cloister", {"--help"});
  for (const std::string command : kCommands) {
    // Not part of a build without LibTorch.
    const bool missing = (command == "train" || command == "audit") &&
                         !fs::exists(program_.parent_path() / ("cloister-" + command));
    if (!missing) check(command, {command, "--help"});
  }
}

}  // namespace
}  // namespace cloister
