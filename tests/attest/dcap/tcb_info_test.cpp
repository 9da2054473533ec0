// Collateral: that what is read is what was signed, however the text is dressed up.
#include "attest/dcap/tcb_info.h"

#include "tests/attest/dcap_world.h"
#include "tests/attest/expect.h"

namespace cloister::attest::test {
namespace {

using testing::HasSubstr;

const std::string kSignature = R"("signature":")" + std::string(128, '0') + "\"";

std::string object_of(const std::string& json) {
  const auto parsed = parse_signed_json(as_bytes(json), "tcbInfo");
  return parsed ? std::string(parsed->object) : parsed.error().message;
}

TEST(SignedJson, IsTheTextBetweenTheBraces) {
  EXPECT_EQ(object_of(R"({"tcbInfo":{"a":1},)" + kSignature + "}"), R"({"a":1})");
  EXPECT_EQ(object_of("{" + kSignature + R"(,"tcbInfo":{"a":1}})"), R"({"a":1})");
  EXPECT_EQ(
      object_of(" {\n\t\"tcbInfo\" :\r {\"a\" : [1, {\"b\":\"}\"}] } , " + kSignature + " } "),
      R"({"a" : [1, {"b":"}"}] })");
  // Braces, quotes and the keys themselves inside strings.
  EXPECT_EQ(
      object_of(R"({"tcbInfo":{"a":"\"}{\\","tcbInfo":{"signature":"x"}},)" + kSignature + "}"),
      R"({"a":"\"}{\\","tcbInfo":{"signature":"x"}})");
  EXPECT_EQ(object_of(R"({"tcbInfo":{},)" + kSignature + "}"), "{}");
}

TEST(SignedJson, RefusesTrickery) {
  const std::string good = R"("tcbInfo":{"a":1})";
  EXPECT_THAT(object_of("{" + good + "," + good + "," + kSignature + "}"), HasSubstr("twice"));
  EXPECT_THAT(object_of("{" + good + "," + kSignature + "," + kSignature + "}"),
              HasSubstr("twice"));
  // The same key, spelt with an escape: once more, or alone.
  const std::string escaped = R"("tcb\u0049nfo":{"a":2})";
  EXPECT_THAT(object_of("{" + good + "," + escaped + "," + kSignature + "}"), HasSubstr("twice"));
  EXPECT_THAT(object_of("{" + escaped + "," + kSignature + "}"), HasSubstr("spelt"));
  // Inside as well.
  EXPECT_THAT(object_of(R"({"tcbInfo":{"a":1,"a":2},)" + kSignature + "}"), HasSubstr("twice"));
  EXPECT_THAT(object_of(R"({"tcbInfo":{"a":1,"\u0061":2},)" + kSignature + "}"),
              HasSubstr("twice"));
  // More, less and other things than the two.
  EXPECT_THAT(object_of("{" + good + "," + kSignature + R"(,"more":1})"), HasSubstr("'more'"));
  EXPECT_THAT(object_of("{" + good + "}"), HasSubstr("no key 'signature'"));
  EXPECT_THAT(object_of("{" + kSignature + "}"), HasSubstr("no key 'tcbInfo'"));
  EXPECT_THAT(object_of(R"({"tcbInfo":[],)" + kSignature + "}"), HasSubstr("an object"));
  EXPECT_THAT(object_of("[{" + good + "," + kSignature + "}]"), HasSubstr("object"));
  EXPECT_THAT(object_of("{" + good + "," + kSignature + "}{}"), HasSubstr("not JSON"));
  EXPECT_THAT(object_of("{" + good + R"(,"signature":"00"})"), HasSubstr("signature: 2 letters"));
  EXPECT_THAT(object_of("{" + good + R"(,"signature":")" + std::string(128, 'g') + "\"}"),
              HasSubstr("signature"));
  EXPECT_THAT(object_of("{" + good + ",/**/" + kSignature + "}"), HasSubstr("not JSON"));
  EXPECT_THAT(object_of("\xef\xbb\xbf{" + good + "," + kSignature + "}x"), HasSubstr("not JSON"));
}

TEST(TcbInfo, ADuplicateThatIsSignedIsRefusedToo) {
  DcapWorld world;
  std::string object = world.tcb_info.dump();
  object.insert(1, R"("fmspc":"00A067110000",)");
  Case c = world.make();
  blob(c.endorsements.blobs, kTcbInfo) = world.signed_json("tcbInfo", object);
  expect_fails(c, "dcap.tcb_info", "twice");
}

TEST(TcbInfo, KeysThatAreNewArePassedOver) {
  DcapWorld world;
  world.tcb_info["new"] = {{"thing", 1}};
  world.qe_identity["new"] = "thing";
  expect_trusted(world.make());
}

TEST(TcbInfo, RefusesWhatIsMalformed) {
  const auto refusal = [](const auto& change) {
    DcapWorld world;
    change(world.tcb_info);
    const auto parsed = parse_tcb_info(world.tcb_info.dump(), true);
    return parsed ? "accepted" : parsed.error().message;
  };
  for (const char* key : {"id", "version", "issueDate", "nextUpdate", "tcbEvaluationDataNumber",
                          "fmspc", "pceId", "tcbType", "tcbLevels", "tdxModule"}) {
    EXPECT_THAT(refusal([&](Json& j) { j.erase(key); }), HasSubstr(key));
    EXPECT_THAT(refusal([&](Json& j) { j[key] = Json::array({1}); }), testing::Ne("accepted"))
        << key;
    EXPECT_THAT(refusal([&](Json& j) { j[key] = nullptr; }), testing::Ne("accepted")) << key;
  }
  EXPECT_THAT(refusal([](Json& j) { j["tcbLevels"][0]["tcb"]["pcesvn"] = 65536; }),
              HasSubstr("pcesvn"));
  EXPECT_THAT(
      refusal([](Json& j) { j["tcbLevels"][0]["tcb"]["sgxtcbcomponents"][3]["svn"] = 256; }),
      HasSubstr("svn"));
  EXPECT_THAT(refusal([](Json& j) { j["tcbLevels"][0]["tcb"]["sgxtcbcomponents"][3]["svn"] = -1; }),
              HasSubstr("svn"));
  EXPECT_THAT(refusal([](Json& j) { j["tcbLevels"][0]["tcbDate"] = "yesterday"; }),
              HasSubstr("yesterday"));
  EXPECT_THAT(refusal([](Json& j) { j["tcbLevels"][0]["advisoryIDs"] = "INTEL"; }),
              HasSubstr("advisoryIDs"));
  EXPECT_THAT(refusal([](Json& j) {
                j["tdxModuleIdentities"].push_back(Json(j["tdxModuleIdentities"][0]));
              }),
              HasSubstr("'TDX_01' occurs twice"));
}

}  // namespace
}  // namespace cloister::attest::test
