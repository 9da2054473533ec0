// Verifies a server, sends one input to the model behind it, prints the most likely class.
//
//   classify https://host:8443 owner.pub input.f32 [--allow-simulated]
#include <cloister/client.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace cc = cloister::client;

namespace {

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("can't read ") + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int classify(const char* url, const char* signer, const char* input, bool allow_simulated) {
  cc::TrustPolicy policy;
  policy.add_signer(read_file(signer)).allow_simulated(allow_simulated);
  const auto server = cc::VerifiedServer::connect(url, policy);
  if (!server) {
    std::cerr << "classify: " << server.error().message << '\n';
    return server.error().code == cc::ErrorCode::kNotTrusted ? 3 : 1;
  }
  const cc::ServerFacts& facts = server->facts();
  std::cerr << facts.model_name() << " version " << facts.model_version() << ", evidence: "
            << facts.evidence_kind() << '\n';

  // One item: extents that are not fixed become 1.
  const cc::TensorSpec& spec = facts.inputs().at(0);
  std::vector<int64_t> shape = spec.dims;
  std::replace(shape.begin(), shape.end(), int64_t{-1}, int64_t{1});
  const std::string bytes = read_file(input);
  const cc::Tensor x(spec.name, spec.dtype, shape, std::as_bytes(std::span(bytes)));

  // value() throws what went wrong; the bytes only had to live until here.
  const std::vector<cc::Tensor> outputs = server->infer({x}).value();
  const auto scores = outputs.at(0).as<float>().value();
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  const auto& labels = facts.labels();
  std::cout << (labels.empty() ? std::to_string(best) : labels.at(best)) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: classify URL SIGNER.pub INPUT.f32 [--allow-simulated]\n";
    return 2;
  }
  try {
    return classify(argv[1], argv[2], argv[3],
                    argc > 4 && argv[4] == std::string("--allow-simulated"));
  } catch (const std::exception& error) {
    std::cerr << "classify: " << error.what() << '\n';
    return 1;
  }
}
