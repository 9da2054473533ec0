// Runs a fuzz target without libFuzzer: each file of the folders that are named, and what a few
// changes make of it. The changes are the same each time, so what fails here fails again.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr unsigned kSeed = 1;
constexpr int kChangedPerFile = 200;

using Rng = std::mt19937;

size_t below(Rng& rng, size_t end) {
  return end == 0 ? 0 : rng() % end;
}

// One of the changes that libFuzzer makes: a bit, a byte, a part lost, repeated or from elsewhere.
std::string changed(std::string input, const std::string& other, Rng& rng) {
  if (input.empty()) return other;
  const size_t at = below(rng, input.size());
  const size_t size = 1 + below(rng, std::min<size_t>(64, input.size() - at));
  switch (rng() % 6) {
    case 0:
      input[at] = static_cast<char>(input[at] ^ (1 << (rng() % 8)));
      break;
    case 1:
      input[at] = static_cast<char>(rng() % 2 == 0 ? 0xff : 0);
      break;
    case 2:
      input.erase(at, size);
      break;
    case 3:
      input.insert(at, input.substr(at, size));
      break;
    case 4:
      input.resize(at);
      break;
    case 5:
      input = input.substr(0, at) + other.substr(below(rng, other.size()));
      break;
  }
  return input;
}

void run(const std::string& input) {
  // A copy of just its size, so that a read past the end is seen.
  const std::vector<uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    std::cerr << "usage: " << argv[0] << " FOLDER...: none of them has a file\n";
    return 2;
  }
  std::ranges::sort(files);
  std::vector<std::string> inputs;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  Rng rng(kSeed);
  run("");
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::cout << files[i].filename().string() << std::endl;
    run(inputs[i]);
    std::string input = inputs[i];
    for (int n = 0; n < kChangedPerFile; ++n) {
      // Now and then from the start, so that most are near to what is valid.
      if (n % 4 == 0) input = inputs[i];
      input = changed(std::move(input), inputs[below(rng, inputs.size())], rng);
      run(input);
    }
  }
  std::cout << inputs.size() << " inputs, each changed " << kChangedPerFile << " times (seed "
            << kSeed << "): nothing found\n";
}
