#include "tensor/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/data.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string fixture(const std::string& name) {
  return *read_file(test::data_path("npy/" + name + ".npy"));
}

// A version 1.0 file around any dict and data.
std::string file(std::string_view dict, std::string_view data = "") {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(dict.size() & 0xff);
  text += static_cast<char>(dict.size() >> 8);
  return text.append(dict).append(data);
}

std::string with_shape(std::string_view shape) {
  return file(fmt::format("{{'descr': '|u1', 'fortran_order': False, 'shape': {}}}\n", shape));
}

std::string with_type(std::string_view descr) {
  return file(fmt::format("{{'descr': {}, 'fortran_order': False, 'shape': (1,)}}\n", descr));
}

template <typename T>
std::vector<double> values(const Tensor& tensor) {
  return {tensor.as<T>().begin(), tensor.as<T>().end()};
}

// The elements of any type that .npy can hold.
std::vector<double> values(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kBool:
    case DType::kU8:
      return values<uint8_t>(tensor);
    case DType::kI8:
      return values<int8_t>(tensor);
    case DType::kU16:
      return values<uint16_t>(tensor);
    case DType::kI16:
      return values<int16_t>(tensor);
    case DType::kU32:
      return values<uint32_t>(tensor);
    case DType::kI32:
      return values<int32_t>(tensor);
    case DType::kU64:
      return values<uint64_t>(tensor);
    case DType::kI64:
      return values<int64_t>(tensor);
    case DType::kF16:
      return values<_Float16>(tensor);
    case DType::kF32:
      return values<float>(tensor);
    case DType::kF64:
      return values<double>(tensor);
    default:
      return {};
  }
}

const std::vector<double> kBools = {0, 1, 1, 0, 0, 1};
const std::vector<double> kInts = {0, 1, 2, 100, 50, 7};
const std::vector<double> kSigned = {0, 1, -2, 100, -50, 7};
const std::vector<double> kFloats = {0, 1, -2.5, 100, -0.125, 7};

struct Case {
  std::string name;
  DType dtype;
  std::vector<double> values;
};

const Case kCases[] = {
    {"b1", DType::kBool, kBools},        {"u1", DType::kU8, kInts},
    {"u2", DType::kU16, kInts},          {"u4", DType::kU32, kInts},
    {"u8", DType::kU64, kInts},          {"i1", DType::kI8, kSigned},
    {"i2", DType::kI16, kSigned},        {"i4", DType::kI32, kSigned},
    {"i8", DType::kI64, kSigned},        {"f2", DType::kF16, kFloats},
    {"f4", DType::kF32, kFloats},        {"f8", DType::kF64, kFloats},
    {"big-i2", DType::kI16, kInts},      {"big-u4", DType::kU32, kInts},
    {"big-i8", DType::kI64, kInts},      {"big-f2", DType::kF16, kFloats},
    {"big-f4", DType::kF32, kFloats},    {"big-f8", DType::kF64, kFloats},
    {"version-2", DType::kF32, kFloats}, {"version-3", DType::kF32, kFloats},
};

TEST(Npy, ReadsWhatNumpyWrote) {
  for (const Case& c : kCases) {
    const auto tensor = parse_npy(as_bytes(fixture(c.name)));
    ASSERT_TRUE(tensor) << c.name << ": " << tensor.error().message;
    EXPECT_EQ(tensor->dtype(), c.dtype) << c.name;
    EXPECT_EQ(tensor->shape(), Shape({2, 3})) << c.name;
    EXPECT_EQ(values(*tensor), c.values) << c.name;
  }
}

TEST(Npy, ReadsEveryRank) {
  const auto scalar = parse_npy(as_bytes(fixture("scalar")));
  ASSERT_TRUE(scalar) << scalar.error().message;
  EXPECT_EQ(scalar->shape(), Shape());
  EXPECT_THAT(scalar->as<float>(), ElementsAre(2.5F));
  EXPECT_EQ(parse_npy(as_bytes(fixture("vector")))->shape(), Shape({5}));
  const auto empty = parse_npy(as_bytes(fixture("empty")));
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->shape(), Shape({3, 0, 2}));
  EXPECT_TRUE(empty->data().empty());
}

TEST(Npy, FortranOrderBecomesCOrder) {
  const auto tensor = parse_npy(as_bytes(fixture("fortran")));
  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(tensor->shape(), Shape({2, 3, 4}));
  for (int i = 0; i < 24; ++i) EXPECT_EQ(tensor->as<int32_t>()[i], i);
  const auto big = parse_npy(as_bytes(fixture("big-fortran")));
  ASSERT_TRUE(big) << big.error().message;
  EXPECT_THAT(big->as<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, WritesWhatNumpyWouldByteForByte) {
  for (const std::string name : {"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4",
                                 "f8", "scalar", "vector", "empty", "aligned"}) {
    const std::string original = fixture(name);
    std::ostringstream out;
    ASSERT_TRUE(write_npy(out, parse_npy(as_bytes(original))->view())) << name;
    EXPECT_EQ(out.str(), original) << name;
  }
}

TEST(Npy, RefusesOtherTypesByName) {
  const std::pair<std::string, std::string> table[] = {
      {"object", "'|O' (Python objects (a pickle))"},
      {"structured", "structured array"},
      {"structured-3", "structured array"},
      {"unicode", "'<U2' (unicode text)"},
      {"bytes", "'|S2' (byte strings)"},
      {"complex", "'<c8' (complex numbers)"},
      {"time", "'<M8[s]' (dates or durations)"},
      {"void2", "'|V2' (raw bytes, as bfloat16"},
      {"longdouble", "'<f16' (floats of another size)"},
  };
  for (const auto& [name, message] : table) {
    const auto refused = parse_npy(as_bytes(fixture("refused-" + name)));
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind, Kind::kUnsupported) << name;
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(message), HasSubstr("want one of bool")));
  }
}

TEST(Npy, EveryTruncationFails) {
  for (const std::string name : {"f4", "version-2", "big-fortran"}) {
    const std::string whole = fixture(name);
    for (size_t length = 0; length < whole.size(); ++length) {
      const auto cut = parse_npy(as_bytes(whole).first(length));
      ASSERT_FALSE(cut) << name << " at " << length;
      EXPECT_EQ(cut.error().kind, Kind::kInvalid) << name << " at " << length;
    }
    EXPECT_TRUE(parse_npy(as_bytes(whole)));
  }
}

TEST(Npy, BadFilesAreNamed) {
  const std::string v9 = std::string("\x93NUMPY\x09\x00\x00\x00", 10);
  const std::string v11 = std::string("\x93NUMPY\x01\x01\x00\x00", 10);
  const std::string long_dict = std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12);
  std::string ones;
  for (int i = 0; i < 65; ++i) ones += "1,";
  const std::string start = "{'descr': '|u1', 'fortran_order': False, ";
  const std::pair<std::string, std::string> table[] = {
      {"", "0 bytes left, need 6"},
      {"PK\x03\x04zipfile", "starts with 'PK\\x03\\x04zi', want '\\x93NUMPY'"},
      {v9, "version 9.0, want 1.0, 2.0 or 3.0"},
      {v11, "version 1.1, want"},
      {long_dict, "dict of 2147483647 bytes, at most 65536"},
      {file("{'descr'").substr(0, 14), "4 bytes left, need 8"},
      {file(""), "dict ends after 0 bytes, want '{'"},
      {file("[1]"), "dict has '[1]' at byte 0, want '{'"},
      {file("{}"), "dict has no 'descr'"},
      {file("{'descr': '|u1'}"), "dict has no 'fortran_order'"},
      {file(start + "}"), "dict has no 'shape'"},
      {file("{'descr': '|u1'"), "dict ends after 15 bytes, want '}'"},
      {file("{'descr': '|u1"), "dict ends inside a type in quotes"},
      {file("{'descr"), "dict ends inside a key"},
      {file("{descr: 1}"), "dict has 'descr: 1}' at byte 1, want a key"},
      {file("{'de\\x73cr': '|u1'}"), "with a backslash, want plain text"},
      {file("{'descr' '|u1'}"), "want ':'"},
      {file("{'descr': '|u1' 'shape': ()}"), "want '}'"},
      {file("{'descr': '|u1', 'descr': '|u1'}"), "the key 'descr' twice"},
      {file(start + "'fortran_order': True}"), "the key 'fortran_order' twice"},
      {file(start + "'shape': (), 'shape': ()}"), "the key 'shape' twice"},
      {file(start + "'shape': (), 'x\x1b': 1}"), "the key 'x\\x1b', want only"},
      {file(start + "'shape': ()} + 1"), "dict has '+ 1' at byte 54, want the end"},
      {file("{'descr': '|u1', 'fortran_order': 0, 'shape': ()}"), "want True or False"},
      {file("{'descr': '|u1', 'fortran_order': Falsely, 'shape': ()}"), "want '}'"},
      {with_shape("3"), "want '('"},
      {with_shape("(3)"), "shape (3) is not a tuple"},
      {with_shape("(3, 4"), "want ',' or ')' in 'shape'"},
      {with_shape("(3 4)"), "want ',' or ')' in 'shape'"},
      {with_shape("(,)"), "want a dimension of 'shape'"},
      {with_shape("(-1, 2)"), "dimension -1, want 0 or more"},
      {with_shape("(1.5,)"), "want ',' or ')' in 'shape'"},
      {with_shape("(3L,)"), "want ',' or ')' in 'shape'"},
      {with_shape("('3',)"), "want a dimension of 'shape'"},
      {with_shape("(99999999999999999999,)"), "'99999999999999999999', want at most"},
      {with_shape("(4294967296, 4294967296, 4294967296)"), "is too large"},
      {with_shape("(0, 9223372036854775807, 9223372036854775807)"), "is too large"},
      {with_shape("(9223372036854775807,)"), "is too large"},
      {with_shape("(1, 1000000000000)"), "has 0 bytes, u8 [1,1000000000000] needs 1000000000000"},
      {with_shape("(" + ones + ")"), "more than 64 dimensions"},
      {with_type("''"), "type '' has no byte order"},
      {with_type("'f4'"), "type 'f4' has no byte order"},
      {with_type("'=f4'"), "type '=f4' has no byte order"},
      {with_type("'|f4'"), "type '|f4' has no byte order, want '<f4' or '>f4'"},
      {with_type("'<'"), "type '<' (an unknown type)"},
      {with_type("'<i3'"), "type '<i3' (an unknown type)"},
      {with_type("'<f44'"), "type '<f44' (floats of another size)"},
      {with_type("'<V2'"), "type '<V2' (raw bytes"},
      {with_type("4"), "want a type in quotes"},
      {with_type("('<f4', (2,))"), "want a type in quotes"},
      {fixture("u1") + "x", "npy data has 7 bytes, u8 [2,3] needs 6"},
      {file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", "\x01\x07"),
       "has the bool 7 at element 1, want 0 or 1"},
  };
  for (const auto& [bytes, message] : table) {
    const auto refused = parse_npy(as_bytes(bytes));
    ASSERT_FALSE(refused) << printable(bytes);
    EXPECT_THAT(refused.error().message, AllOf(StartsWith("npy "), HasSubstr(message)));
  }
}

// What Python would read too, and other writers make.
TEST(Npy, ReadsOtherSpellings) {
  for (const std::string dict :
       {"{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<u1\"}",
        " { 'fortran_order' : True , 'descr' : '>u1' , 'shape' : ( 2 , ) , } \n",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}"}) {
    const auto tensor = parse_npy(as_bytes(file(dict, "ab")));
    ASSERT_TRUE(tensor) << dict << ": " << tensor.error().message;
    EXPECT_EQ(as_text(tensor->data()), "ab");
  }
}

TEST(Npy, FilesCarryThePathInErrors) {
  const test::TempDir dir;
  EXPECT_EQ(read_npy(dir / "none.npy").error().kind, Kind::kNotFound);
  ASSERT_TRUE(write_file(dir / "bad.npy", "hello you"));
  EXPECT_THAT(read_npy(dir / "bad.npy").error().message, HasSubstr("bad.npy': npy header"));
  const auto tensor = Tensor::copy_of(DType::kU8, {2}, as_bytes("ab"));
  ASSERT_TRUE(write_npy(dir / "a.npy", tensor->view()));
  EXPECT_EQ(as_text(read_npy(dir / "a.npy")->data()), "ab");
  EXPECT_EQ(write_npy(dir / "no" / "a.npy", tensor->view()).error().kind, Kind::kNotFound);
}

TEST(Npy, WriteRefusesWhatNumpyCannotName) {
  std::ostringstream out;
  const auto bf16 = write_npy(out, Tensor::make(DType::kBF16, {2})->view());
  EXPECT_EQ(bf16.error().kind, Kind::kUnsupported);
  EXPECT_THAT(bf16.error().message, HasSubstr("no type for bf16"));
  const auto sizes = write_npy(out, TensorView{DType::kF32, {2}, as_bytes("abc")});
  EXPECT_EQ(sizes.error().message, "f32 [2] has 3 bytes, want 8");
  EXPECT_EQ(write_npy(out, Tensor::make(DType::kU8, Shape(65, 1))->view()).error().kind,
            Kind::kUnsupported);
  EXPECT_EQ(out.str(), "");
  out.setstate(std::ios::badbit);
  EXPECT_EQ(write_npy(out, Tensor::make(DType::kU8, {2})->view()).error().kind, Kind::kIo);
}

TEST(Npy, NumpyReadsWhatWeWrite) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "/usr/bin/python3 has no numpy";
  }
  const test::TempDir dir;
  for (const Case& c : kCases) {
    const auto tensor = parse_npy(as_bytes(fixture(c.name)));
    ASSERT_TRUE(write_npy(dir / "x.npy", tensor->view()));
    const std::string expected = test::data_path("npy/" + c.name + ".npy");
    const std::string script = fmt::format(
        "import sys, numpy as n; a, b = map(n.load, sys.argv[1:]); "
        "sys.exit(not (a.dtype == b.dtype.newbyteorder('=') and n.array_equal(a, b)))");
    EXPECT_EQ(std::system(fmt::format("/usr/bin/python3 -c \"{}\" '{}' '{}'", script,
                                      (dir / "x.npy").string(), expected)
                              .c_str()),
              0)
        << c.name;
  }
}

}  // namespace
}  // namespace cloister
