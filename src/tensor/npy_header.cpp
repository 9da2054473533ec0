#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "tensor/npy.h"

namespace cloister {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxRank = 64;  // numpy 2's NPY_MAXDIMS

// Characters of the array protocol's type strings that Cloister reads: kind, bytes, DType.
struct NpyType {
  std::string_view code;
  DType dtype;
};

constexpr NpyType kTypes[] = {
    {"b1", DType::kBool}, {"i1", DType::kI8},  {"i2", DType::kI16}, {"i4", DType::kI32},
    {"i8", DType::kI64},  {"u1", DType::kU8},  {"u2", DType::kU16}, {"u4", DType::kU32},
    {"u8", DType::kU64},  {"f2", DType::kF16}, {"f4", DType::kF32}, {"f8", DType::kF64},
};

constexpr std::string_view kReadable = "bool, i1 to i8, u1 to u8, f2, f4, f8";

// What a type that is not read is, for the message.
std::string_view kind_text(char kind) {
  switch (kind) {
    case 'c':
      return "complex numbers";
    case 'O':
      return "Python objects (a pickle)";
    case 'S':
    case 'a':
      return "byte strings";
    case 'U':
      return "unicode text";
    case 'M':
    case 'm':
      return "dates or durations";
    case 'V':
      return "raw bytes, as bfloat16 and structured types are saved";
    case 'f':
      return "floats of another size";
    default:
      return "an unknown type";
  }
}

// A strict parser of the dict: the three keys once each, in any order, literals of their types.
class DictParser {
 public:
  explicit DictParser(std::string_view text) : text_(text) {}

  Result<> parse() {
    TRY_OK(expect('{'));
    while (!accept('}')) {
      TRY(key, string("a key"));
      TRY_OK(expect(':'));
      TRY_OK(value(key));
      if (accept(',')) continue;
      TRY_OK(expect('}'));
      break;
    }
    skip_space();
    if (at_ < text_.size()) return wrong("the end of the dict");
    if (!descr) return missing("descr");
    if (!fortran_order) return missing("fortran_order");
    if (!shape) return missing("shape");
    return {};
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;

 private:
  Result<> value(const std::string& key) {
    const auto twice = [&] { return invalid("dict has the key '{}' twice, want it once", key); };
    if (key == "descr") {
      if (descr) return twice();
      skip_space();
      if (at_ < text_.size() && text_[at_] == '[') {
        return fail(Kind::kUnsupported, "structured array ('descr' is a list), want one of {}",
                    kReadable);
      }
      TRY(type, string("a type in quotes"));
      descr = type;
    } else if (key == "fortran_order") {
      if (fortran_order) return twice();
      skip_space();
      if (accept_word("True")) {
        fortran_order = true;
      } else if (accept_word("False")) {
        fortran_order = false;
      } else {
        return wrong("True or False");
      }
    } else if (key == "shape") {
      if (shape) return twice();
      TRY(dimensions, tuple());
      shape = dimensions;
    } else {
      return invalid("dict has the key '{}', want only 'descr', 'fortran_order' and 'shape'",
                     printable(key));
    }
    return {};
  }

  Result<std::string> string(std::string_view what) {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') return wrong(what);
    const size_t start = at_ + 1;
    const size_t end = text_.find(quote, start);
    if (end == std::string_view::npos) return invalid("dict ends inside {}", what);
    std::string content(text_.substr(start, end - start));
    // Names and types need no escapes, so none is interpreted.
    if (content.find('\\') != std::string::npos) {
      return invalid("dict has '{}' with a backslash, want plain text", printable(content));
    }
    at_ = end + 1;
    return content;
  }

  // (), (3,), (3, 4), (3, 4,); not (3), which is a number to Python.
  Result<Shape> tuple() {
    Shape dimensions;
    TRY_OK(expect('('));
    bool comma = true;
    while (!accept(')')) {
      if (!comma) return wrong("',' or ')' in 'shape'");
      if (dimensions.size() == kMaxRank)
        return invalid("shape has more than {} dimensions", kMaxRank);
      TRY(dimension, number());
      dimensions.push_back(dimension);
      comma = accept(',');
    }
    if (dimensions.size() == 1 && !comma)
      return invalid("shape ({}) is not a tuple", dimensions[0]);
    return dimensions;
  }

  Result<int64_t> number() {
    skip_space();
    int64_t dimension = 0;
    const char* begin = text_.data() + at_;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), dimension);
    if (code == std::errc::result_out_of_range) {
      return invalid("shape has a dimension '{}', want at most {}", printable({begin, end}, 40),
                     INT64_MAX);
    }
    if (code != std::errc()) return wrong("a dimension of 'shape'");
    if (dimension < 0) return invalid("shape has the dimension {}, want 0 or more", dimension);
    at_ += static_cast<size_t>(end - begin);
    return dimension;
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool accept_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Result<> expect(char c) {
    if (!accept(c)) return wrong(fmt::format("'{}'", c));
    return {};
  }

  std::unexpected<Error> wrong(std::string_view want) const {
    if (at_ >= text_.size()) return invalid("dict ends after {} bytes, want {}", at_, want);
    return invalid("dict has '{}' at byte {}, want {}", printable(text_.substr(at_), 16), at_,
                   want);
  }

  static std::unexpected<Error> missing(std::string_view key) {
    return invalid("dict has no '{}', want 'descr', 'fortran_order' and 'shape'", key);
  }

  std::string_view text_;
  size_t at_ = 0;
};

Result<std::pair<DType, bool>> parse_descr(const std::string& descr) {
  const std::string shown = printable(descr, 40);
  const bool ordered = !descr.empty() && std::string_view("<>|").contains(descr[0]);
  if (!ordered) {
    return invalid("type '{}' has no byte order, want '<', '>' or '|' and one of {}", shown,
                   kReadable);
  }
  const std::string_view code = std::string_view(descr).substr(1);
  const auto* type = std::ranges::find(kTypes, code, &NpyType::code);
  if (type == std::end(kTypes)) {
    return fail(Kind::kUnsupported, "type '{}' ({}), want one of {}", shown,
                kind_text(code.empty() ? '\0' : code[0]), kReadable);
  }
  const bool one_byte = dtype_bits(type->dtype) == 8;
  if (descr[0] == '|' && !one_byte) {
    return invalid("type '{}' has no byte order, want '<{}' or '>{}'", shown, code, code);
  }
  return std::pair(type->dtype, descr[0] == '>' && !one_byte);
}

Result<uint64_t> dict_length(Reader& in) {
  TRY(magic, in.take(kMagic.size()));
  if (as_text(magic) != kMagic) {
    return invalid("starts with '{}', want '\\x93NUMPY': not an .npy file",
                   printable(as_text(magic)));
  }
  TRY(major, in.number<uint8_t>());
  TRY(minor, in.number<uint8_t>());
  if (major < 1 || major > 3 || minor != 0) {
    return fail(Kind::kUnsupported, "version {}.{}, want 1.0, 2.0 or 3.0", major, minor);
  }
  if (major == 1) return in.number<uint16_t>();
  return in.number<uint32_t>();
}

}  // namespace

Result<NpyHeader> parse_npy_header(Reader& in) {
  auto length = dict_length(in);
  if (!length) return with_context(length.error(), "npy header");
  if (*length > kMaxNpyDict) {
    return invalid("npy header: dict of {} bytes, at most {} are read", *length, kMaxNpyDict);
  }
  auto dict = in.take(*length);
  if (!dict) return with_context(dict.error(), "npy header");
  DictParser parser(as_text(*dict));
  if (auto parsed = parser.parse(); !parsed) return with_context(parsed.error(), "npy header");
  auto type = parse_descr(*parser.descr);
  if (!type) return with_context(type.error(), "npy header");
  auto size = byte_count(type->first, *parser.shape);
  if (!size) return with_context(size.error(), "npy header");
  return NpyHeader{type->first, *parser.shape, type->second, *parser.fortran_order, *size};
}

Result<std::string> npy_header(const TensorView& tensor) {
  const auto* type = std::ranges::find(kTypes, tensor.dtype, &NpyType::dtype);
  if (type == std::end(kTypes)) {
    return fail(Kind::kUnsupported, "npy has no type for {}, want one of {}",
                dtype_name(tensor.dtype), kReadable);
  }
  TRY(size, byte_count(tensor.dtype, tensor.shape));
  if (size != tensor.data.size()) {
    return invalid("{} {} has {} bytes, want {}", dtype_name(tensor.dtype),
                   shape_text(tensor.shape), tensor.data.size(), size);
  }
  if (tensor.shape.size() > kMaxRank) {
    return fail(Kind::kUnsupported, "npy has no rank {}, at most {}", tensor.shape.size(),
                kMaxRank);
  }
  std::string dimensions;
  for (const int64_t dimension : tensor.shape) {
    dimensions += fmt::format("{}{}", dimensions.empty() ? "" : ", ", dimension);
  }
  if (tensor.shape.size() == 1) dimensions += ",";
  std::string dict = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 dtype_bits(tensor.dtype) == 8 ? '|' : '<', type->code, dimensions);
  // Room for the first dimension to grow to 21 digits in place, as numpy leaves it.
  if (!tensor.shape.empty()) dict.append(21 - std::to_string(tensor.shape[0]).size(), ' ');
  constexpr size_t kPrefix = kMagic.size() + 4;
  dict.append(64 - (kPrefix + dict.size() + 1) % 64, ' ');
  dict += '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

}  // namespace cloister
