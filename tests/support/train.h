// `cloister train` under test, and something for it to learn.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "graph/zoo/zoo.h"
#include "tests/support/program.h"

namespace cloister::test {

// Three classes that follow from two of the columns; 'ip' names the row.
inline std::string table_text(int rows, const std::string& header = "n,proto,noise,ip,kind") {
  const std::string protos[] = {"tcp", "udp", "icmp"};
  std::string text = header + "\n";
  for (int i = 0; i < rows; ++i) {
    const int n = i * 37 % 101 - 50;
    const std::string& proto = protos[i % 3];
    const char* kind = n > 10 ? "scan" : proto == "udp" ? "dos" : "normal";
    text += fmt::format("{},{},{},10.0.0.{},{}\n", n, proto, i * 53 % 17, i, kind);
  }
  return text;
}

// `cloister train` in a folder with that table and a model for it.
class Train : public ProgramTest {
 protected:
  Train() : ProgramTest(CLOISTER_TRAIN) {
    write("t.csv", table_text(600));
    write("mlp.onnx", make_zoo_model("mlp", 1, {.features = 5, .classes = 3})->SerializeAsString());
  }

  void write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(write_file(dir_ / name, content));
  }

  // The usual arguments for the table, and more.
  static Arguments table(const Arguments& more = {}, const std::string& epochs = "20",
                         const std::string& rate = "0.01") {
    Arguments all = {"mlp.onnx", "--data", "t.csv", "--label",  "kind", "--drop",    "ip", "-o",
                     "x.onnx",   "--lr",   rate,    "--epochs", epochs, "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  nlohmann::json json_of(Arguments arguments) {
    arguments.emplace_back("--json");
    const Finished finished = run(arguments);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return nlohmann::json::parse(finished.out, nullptr, false);
  }

  void wrong(const Arguments& arguments, int code, const std::string& part) {
    fails(arguments, code, "cloister train", part);
    EXPECT_FALSE(fs::exists(dir_ / "x.onnx")) << part;
  }

  // Starts the program, waits until `ready` and sends it a signal. How it ended.
  int signalled(const Arguments& arguments, int signal, const std::function<bool()>& ready) {
    const std::string path = program_.string();
    std::vector<char*> pointers = {const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments) {
      pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(signal, SIG_DFL);  // a shell's background jobs ignore SIGINT
      exec_child(pointers.data(), options_);
    }
    while (!ready() && ::waitpid(child, nullptr, WNOHANG) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, signal);
    return wait_child(child, options_.limit).value_or(-1);
  }
};

}  // namespace cloister::test
