// Verifies a server, sends one input to the model behind it, prints the most likely class.
//
//   classify https://host:8443 owner.pub tee.json input.f32
//
// tee.json lists the trusted environments that are accepted; the word "simulated" in its place
// accepts a server without one, to try things out.
#include <cloister/client.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace cc = cloister::client;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("can't read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int classify(const std::string& url, const cc::TrustPolicy& policy, const std::string& bytes) {
  const auto server = cc::VerifiedServer::connect(url, policy);
  if (!server) {
    std::cerr << "classify: " << server.error().message << '\n';
    return server.error().code == cc::ErrorCode::kNotTrusted ? 3 : 1;
  }
  const cc::ServerFacts& facts = server->facts();
  std::cerr << facts.model_name() << " version " << facts.model_version()
            << ", evidence: " << facts.evidence_kind() << '\n';

  // One item: dimensions that are not fixed become 1.
  const cc::TensorSpec& spec = facts.inputs().at(0);
  std::vector<int64_t> shape = spec.dims;
  std::replace(shape.begin(), shape.end(), int64_t{-1}, int64_t{1});
  const cc::Tensor x(spec.name, spec.dtype, shape, std::as_bytes(std::span(bytes)));

  // value() throws what went wrong.
  const std::vector<cc::Tensor> outputs = server->infer({x}).value();
  const auto scores = outputs.at(0).as<float>().value();
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  const auto& labels = facts.labels();
  std::cout << (labels.empty() ? std::to_string(best) : labels.at(best)) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: classify URL SIGNER.pub (TEE.json | simulated) INPUT.f32\n";
    return 2;
  }
  try {
    cc::TrustPolicy policy;
    policy.add_signer(read_file(argv[2]));
    if (argv[3] == std::string("simulated")) {
      policy.allow_simulated();
    } else {
      policy.environments_json(read_file(argv[3]));
    }
    return classify(argv[1], policy, read_file(argv[4]));
  } catch (const std::exception& error) {
    std::cerr << "classify: " << error.what() << '\n';
    return 1;
  }
}
