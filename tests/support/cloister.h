// `cloister` under test, and small models to give it.
#pragma once

#include <nlohmann/json.hpp>

#include "graph/model.h"
#include "graph/zoo/builder.h"
#include "tensor/npy.h"
#include "tests/support/program.h"

namespace cloister::test {

using zoo::Attr;
using zoo::ModelBuilder;

// f32 [batch,4] "x" to f32 [batch,3] "y" through "hidden" and "active".
inline ModelBuilder small_graph(const zoo::Dimension& batch = "N") {
  ModelBuilder b("small");
  b.input("x", DType::kF32, {batch, 4});
  b.random("w1", {8, 4});
  b.random("w2", {3, 8});
  b.add({.op = "Gemm", .inputs = {"x", "w1"}, .attrs = {{"transB", 1}}, .outputs = {"hidden"}});
  b.add({.op = "Relu", .inputs = {"hidden"}, .outputs = {"active"}});
  b.add({.op = "Gemm", .inputs = {"active", "w2"}, .attrs = {{"transB", 1}}, .outputs = {"y"}});
  b.output("y", DType::kF32, {batch, 3});
  return b;
}

class CloisterTest : public ProgramTest {
 protected:
  CloisterTest() : ProgramTest(CLOISTER) {}

  // Writes the protobuf as it is, wrong or not.
  void save(const onnx::ModelProto& model, const std::string& name = "m.onnx") {
    ASSERT_TRUE(write_file(dir_ / name, model.SerializeAsString()));
  }
  void save(const std::string& name, const Tensor& tensor) {
    ASSERT_TRUE(write_npy(dir_ / name, tensor.view()));
  }

  nlohmann::json json_of(const Arguments& arguments) {
    const std::string out = done(arguments);
    return nlohmann::json::parse(out, nullptr, false);
  }

  // Fails with one line; the first argument is the command.
  void fails(const Arguments& arguments, int code, const std::string& part) {
    ProgramTest::fails(arguments, code, "cloister " + arguments[0], part);
  }
};

}  // namespace cloister::test
