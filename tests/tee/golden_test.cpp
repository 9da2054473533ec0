// Plans and bundles of version 1 are read for good: opened, planned by and served as on the day
// that they were made (tests/data/v1).
#include "cli/read_keys.h"
#include "client/client.h"
#include "plan/plan.h"
#include "tests/support/data.h"
#include "tests/support/patience.h"
#include "tests/support/served_model.h"

namespace cloister::serving {
namespace {

using test::data_path;
using test::value_of;

struct Golden {
  std::string name;
  std::vector<std::string> cuts;
};

class GoldenV1 : public testing::TestWithParam<Golden> {
 protected:
  bundle::Bundle open() const {
    const auto signers = value_of(read_signers({data_path("v1/owner.pub").string()}));
    return value_of(
        bundle::Bundle::open(data_path("v1/" + GetParam().name + ".cloister"), signers, 3));
  }
  static std::vector<age::Identity> identities() {
    return value_of(read_identities({data_path("v1/server.txt").string()}));
  }
};

TEST_P(GoldenV1, PlanIsRead) {
  const plan::Plan plan =
      value_of(plan::read_plan(data_path("v1/plan-" + GetParam().name + ".json")));
  EXPECT_EQ(plan.choice().segments, segments_between(GetParam().cuts));
  // As version 2 it says the same.
  const std::string now = plan::plan_json(plan);
  EXPECT_THAT(now, testing::HasSubstr("cloister/plan/2"));
  EXPECT_EQ(plan::plan_json(value_of(plan::parse_plan(now))), now);
}

TEST_P(GoldenV1, BundleIsOpened) {
  const bundle::Bundle bundle = open();
  const auto& segments = bundle.manifest().segments;
  EXPECT_EQ(std::vector<PlannedSegment>(segments.begin(), segments.end()),
            segments_between(GetParam().cuts));
  EXPECT_THAT(bundle.manifest_json(), testing::HasSubstr("cloister/manifest/1"));
  // As version 2 it says the same.
  const std::string now = bundle::manifest_json(bundle.manifest());
  EXPECT_EQ(bundle::manifest_json(value_of(bundle::parse_manifest(now))), now);
}

TEST_P(GoldenV1, BundleIsServed) {
  const bundle::Bundle bundle = open();
  const auto engine = value_of(make_onnxruntime());
  std::unique_ptr<WorkerServer> worker;
  TrustedServerParts parts;
  if (const SegmentInfo* const body = find_segment(bundle.manifest(), Placement::kUntrusted)) {
    worker = value_of(
        WorkerServer::start(value_of(engine->load(value_of(bundle.segment(body->name, {})))),
                            body->inputs, body->outputs,
                            {.listen = "127.0.0.1:0",
                             .tool = "test",
                             .engine = "onnxruntime",
                             .model = "golden",
                             .version = "3",
                             .max_batch = bundle.manifest().max_batch}));
    parts.workers.push_back({.url = {.host = "127.0.0.1", .port = worker->port()}});
  }
  parts.config.listen = "127.0.0.1:0";
  parts.config.verify_rate = 1;
  parts.tool = "test";
  parts.producer = attest::simulated_attester();
  parts.identities = identities();
  parts.now_unix_s = 1'800'000'000;
  const auto server = value_of(TrustedServer::start(bundle, std::move(parts)));
  ASSERT_TRUE(test::wait_ready(*server, cloister::test::kPatience));

  VerifyOptions options;
  options.policy = {
      .tee = {.accept_simulated = true},
      .bundle = {.signers = value_of(read_signers({data_path("v1/owner.pub").string()}))},
      .audit = {.accept_unaudited = true}};
  options.client.trust = net::ClientOptions::Trust::kCallerChecks;
  const auto connection = value_of(VerifiedConnection::open(test::url_of(*server), options));
  std::vector<float> values;
  for (int i = 0; i < 3 * 64; ++i) values.push_back(std::sin(static_cast<float>(i)));
  const Tensor x = test::floats({3, 64}, values);
  const auto got = value_of(infer(*connection, {{"features", x}}, {}));

  Graph graph = value_of(build_graph(value_of(read_model(data_path("v1/mlp.onnx")))));
  ASSERT_TRUE(infer_types(graph, onnxruntime_probe()));
  const auto whole = value_of(load_cut_model(*engine, graph));
  const auto want = value_of(whole.run({{"features", x}}));
  const auto difference = compare(got.at(0).tensor.view(), want.at(0).tensor.view());
  ASSERT_TRUE(difference);
  EXPECT_LE(difference->relative(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenV1,
                         testing::Values(Golden{"trusted", {}}, Golden{"two", {"c448723"}},
                                         Golden{"three", {"c74ab4b", "c448723"}}),
                         [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace cloister::serving
