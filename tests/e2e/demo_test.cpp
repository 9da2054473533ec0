// `cloister demo`: what the README promises.
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::Not;

class Demo : public test::CloisterTest {};

TEST_F(Demo, CutsAndComparesInThreePlaces) {
  const std::string out = done({"demo"});
  EXPECT_THAT(out, HasSubstr("==> Cut it in two at three places"));
  const std::string last = out.substr(out.rfind("==> "));
  size_t same = 0;
  for (size_t at = 0; (at = last.find("of the MACs", at)) != std::string::npos; ++at) ++same;
  EXPECT_EQ(same, 3U) << last;
  EXPECT_TRUE(last.contains("bit-identical") || last.contains("within")) << last;
  EXPECT_THAT(last, HasSubstr("Next: cloister inspect YOUR_MODEL.onnx\n"));
  // Colours are for terminals.
  EXPECT_THAT(out, Not(HasSubstr("\033")));
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(Demo, Errors) {
  fails({"demo", "--threads", "0"}, 2, "--threads");
  fails({"demo", "more"}, 2, "unexpected argument: more");
}

}  // namespace
}  // namespace cloister
