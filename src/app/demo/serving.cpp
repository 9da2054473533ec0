#include "app/demo/serving.h"

#include <algorithm>
#include <boost/process/args.hpp>
#include <boost/process/io.hpp>
#include <boost/process/start_dir.hpp>
#include <boost/process/system.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bundle/bundle.h"
#include "cli/background.h"
#include "image/labels.h"
#include "plan/plan.h"
#include "tensor/npy.h"
#include "trust/trust_policy.h"
#include "wire/oip.h"

namespace cloister::demo {
namespace {

using nlohmann::json;

constexpr const char* kModel = "shapes";
constexpr const char* kBundle = "model.cloister";
constexpr const char* kTrustPolicy = "trust-policy.json";

// The line of an age identity file that says whom to encrypt to.
Result<std::string> recipient_of(const fs::path& identity) {
  TRY(text, read_file(identity, 1 << 16));
  constexpr std::string_view kMark = "# public key: ";
  const size_t at = text.find(kMark);
  if (at == std::string::npos) return invalid("no public key in '{}'", identity.string());
  const size_t begin = at + kMark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

// Shows `curl ARGUMENTS`, runs it, and gives what it printed.
Result<std::string> curl(const Options& options, const std::vector<std::string>& arguments) {
  namespace bp = boost::process;
  show("curl", arguments);
  const fs::path file = fs::path(options.folder) / "curl.out";
  std::vector<std::string> quiet = {"curl", "--silent", "--show-error"};
  quiet.insert(quiet.end(), arguments.begin(), arguments.end());
  std::error_code code;
  // env looks for it.
  const int ended = bp::system("/usr/bin/env", bp::args(quiet), bp::start_dir(options.folder),
                               bp::std_out > file.string(), code);
  constexpr int kNoSuchProgram = 127;
  if (ended == kNoSuchProgram) return fail(Kind::kNotFound, "curl is not installed");
  if (code || ended != 0) return fail(Kind::kIo, "curl ended with exit code {}", ended);
  return read_file(file, 16 << 20);
}

Result<> seal(const Options& options, bool audited) {
  TRY_OK(run(options, {"keygen", "--encryption", "-o", "key.txt"}));
  TRY_OK(run(options, {"keygen", "--signing", "--no-password", "-o", "owner"}));
  TRY(recipient, recipient_of(fs::path(options.folder) / "key.txt"));
  std::vector<std::string> arguments = {
      "seal",     "model.onnx", "--plan",           "plan.json", "--preprocess", "preprocess.json",
      "--labels", "labels.txt", "--name",           kModel,      "--recipient",  recipient,
      "--sign",   "owner.key",  "--bundle-version", "1",         "-o",           kBundle};
  if (audited) {
    const std::vector<std::string> more = {"--audit", "audit/audit.json", "--report",
                                           "report.html"};
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
  return run(options, arguments);
}

// What this client asks of a server: simulated, since there is nothing better here, but with the
// owner's model, whose cut has resisted under the plan's own policy.
Result<> write_trust_policy(const Options& options, bool audited) {
  const fs::path folder = options.folder;
  attest::TrustPolicy policy{.tee = {.accept_simulated = true}};
  TRY(key_file, read_file(folder / "owner.pub", minisign::kMaxKeyFileBytes));
  TRY(key, minisign::parse_public_key(key_file));
  policy.bundle = {.signers = {key}, .min_version = 1};
  policy.audit.accept_unaudited = !audited;
  if (audited) {
    TRY(plan, plan::read_plan(folder / "plan.json"));
    policy.audit.leakage = plan.policy.leakage;
  }
  return write_file(folder / kTrustPolicy, attest::policy_json(policy));
}

// A picture as a request that any client of the protocol could have written.
Result<> write_request(const fs::path& array, const bundle::Manifest& manifest,
                       const fs::path& file) {
  TRY(tensor, read_npy(array));
  TRY(message, oip::write_infer_request({.inputs = {{manifest.inputs.at(0).name, tensor}}},
                                        oip::Encoding::kJson));
  return write_file(file, message.json);
}

Result<std::vector<float>> floats_of_npy(const fs::path& path) {
  TRY(tensor, read_npy(path));
  if (tensor.dtype() != DType::kF32) return invalid("'{}' is not f32", path.string());
  const auto values = tensor.as<float>();
  return std::vector<float>(values.begin(), values.end());
}

// The output's values in a reply of the protocol, as JSON.
Result<std::vector<float>> floats_of_reply(const std::string& text) {
  const json reply = json::parse(text, nullptr, false);
  if (!reply.is_object() || !reply.contains("outputs")) {
    return invalid("an unexpected answer: {}", printable(text, 400));
  }
  std::vector<float> values;
  for (const json& value : reply["outputs"].at(0).at("data")) values.push_back(value.get<float>());
  return values;
}

Result<double> largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return invalid("{} values, want {}", a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return largest;
}

uint64_t bytes_of(const std::vector<TensorSpec>& ports) {
  uint64_t bytes = 0;
  for (const TensorSpec& port : ports) {
    Shape shape = port.dims;
    if (!shape.empty() && shape[0] < 0) shape[0] = 1;
    if (const auto size = byte_count(port.dtype, shape)) bytes += *size;
  }
  return bytes;
}

// One picture: what the whole model gives here, and what comes back through the proxy.
Result<double> ask(const Options& options, const bundle::Manifest& manifest, int proxy_port,
                   const std::string& picture, int number) {
  const fs::path folder = options.folder;
  const std::string name = fmt::format("picture-{}", number);
  TRY_OK(run(options,
             {"preprocess", picture, "--preprocess", "preprocess.json", "-o", name + ".npy"}));
  TRY_OK(run(options, {"run", "model.onnx", "--input", name + ".npy", "-o", name + "-whole.npy",
                       "--labels", "labels.txt", "--top", "1"}));
  TRY_OK(write_request(folder / (name + ".npy"), manifest, folder / (name + ".json")));
  TRY(reply,
      curl(options, {"--data", "@" + name + ".json",
                     fmt::format("http://127.0.0.1:{}/v2/models/{}/infer", proxy_port, kModel)}));
  TRY(got, floats_of_reply(reply));
  TRY(want, floats_of_npy(folder / (name + "-whole.npy")));
  TRY(labels, read_labels(folder / "labels.txt"));
  const auto top = static_cast<size_t>(std::ranges::max_element(got) - got.begin());
  TRY(difference, largest_difference(got, want));
  fmt::print("The server says: {}. Largest difference from the whole model's scores: {:.2g}.\n",
             top < labels.size() ? labels[top] : "?", difference);
  return difference;
}

// The lines of the metrics page that tell what the requests took.
void print_metrics(const std::string& page) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const bool told = line.starts_with("cloister_requests_total") ||
                      line.starts_with("cloister_worker_up") ||
                      (line.starts_with("cloister_stage_seconds_sum") && !line.ends_with(" 0"));
    if (told) fmt::print("  {}\n", line);
  }
}

}  // namespace

Result<Served> seal_and_serve(const Options& options, const std::vector<std::string>& pictures,
                              bool audited) {
  const fs::path folder = options.folder;
  TRY_OK(seal(options, audited));
  TRY(bundle, bundle::Bundle::open(folder / kBundle, {}, 0));
  const bundle::Manifest& manifest = bundle.manifest();
  const auto body =
      std::ranges::find(manifest.segments, Placement::kUntrusted, &SegmentInfo::placement);
  Served served{.split = body != manifest.segments.end(),
                .picture_bytes = bytes_of(manifest.inputs)};

  const auto in_background = [&](const std::string& program,
                                 const std::vector<std::string>& arguments,
                                 const std::string& log) {
    show(program, arguments, " &\n");
    return Background::start(program_beside(program), arguments, folder, log);
  };
  std::vector<std::string> server_arguments = {
      "--bundle",  kBundle,    "--identity",  "key.txt",          "--signer",
      "owner.pub", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"};
  std::optional<Background> worker;
  if (served.split) {
    served.bytes_across = bytes_of(body->inputs);
    TRY(started, in_background("cloister-worker", {"--bundle", kBundle, "--listen", "127.0.0.1:0"},
                               "worker.log"));
    worker.emplace(std::move(started));
    server_arguments.push_back("--worker");
    server_arguments.push_back(fmt::format("http://127.0.0.1:{}", worker->port()));
  }
  TRY(server, in_background("cloisterd", server_arguments, "cloisterd.log"));
  const std::string url = fmt::format("https://127.0.0.1:{}", server.port());
  TRY_OK(write_trust_policy(options, audited));
  TRY_OK(run(options, {"verify", url, "--policy", kTrustPolicy}));
  std::vector<std::string> proxy_arguments = {"proxy",      url,        "--policy",
                                              kTrustPolicy, "--listen", "127.0.0.1:0"};
  TRY(proxy, in_background("cloister", proxy_arguments, "proxy.log"));
  fmt::print("\n");
  int number = 0;
  for (const std::string& picture : pictures) {
    TRY(difference, ask(options, manifest, proxy.port(), picture, ++number));
    served.largest_difference = std::max(served.largest_difference, difference);
  }
  TRY(page, curl(options, {fmt::format("http://127.0.0.1:{}/metrics",
                                       server.said().at("metrics_port").get<int>())}));
  print_metrics(page);
  return served;
}

}  // namespace cloister::demo
