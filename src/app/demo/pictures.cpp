#include "app/demo/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "image/encode.h"

namespace cloister {
namespace {

constexpr std::array<std::string_view, 8> kClasses = {"cross", "disc",   "heart", "moon",
                                                      "ring",  "square", "star",  "triangle"};
constexpr int64_t kSamples = 4;  // a side of a pixel: edges are smooth

// Only arithmetic that rounds the same everywhere is used: no sin, cos or pow.
struct Point {
  double x, y;
};

using Colour = std::array<double, 3>;  // RGB, 0 to 1

class Dice {
 public:
  Dice(uint64_t seed, uint64_t index) : generator_(seed * 0x9E3779B97F4A7C15 + index) {}

  uint64_t bits() { return generator_(); }
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }
  uint64_t below(uint64_t count) { return bits() % count; }

 private:
  std::mt19937_64 generator_;
};

double smooth(double t) {
  return t * t * (3 - 2 * t);
}

// In the shape's own coordinates: its corners are about 1 from its centre.
bool is_inside(size_t shape, Point p) {
  const double r2 = p.x * p.x + p.y * p.y;
  const double x = std::abs(p.x), y = std::abs(p.y);
  switch (shape) {
    case 0:
      return std::max(x, y) <= 0.95 && std::min(x, y) <= 0.28;
    case 1:
      return r2 <= 0.8;
    case 2: {
      const double u = 1.25 * p.x, v = 1.25 * p.y + 0.15, a = u * u + v * v - 1;
      return a * a * a <= u * u * v * v * v;
    }
    case 3: {
      const double u = p.x - 0.45;
      return r2 <= 0.9 && u * u + p.y * p.y > 0.5;
    }
    case 4:
      return r2 <= 0.9 && r2 > 0.3;
    case 5:
      return std::max(x, y) <= 0.74;
    case 6: {
      // A star of five is where at least four of the five half planes of its lines meet.
      constexpr std::array<Point, 5> kNormals = {{{0, -1},
                                                  {0.951057, -0.309017},
                                                  {0.587785, 0.809017},
                                                  {-0.587785, 0.809017},
                                                  {-0.951057, -0.309017}}};
      return std::ranges::count_if(kNormals,
                                   [&](Point n) { return n.x * p.x + n.y * p.y <= 0.36; }) >= 4;
    }
    default:
      return p.y >= -0.5 && 1.732051 * x + p.y <= 1;
  }
}

// Two colours mixed by a turned pattern.
class Texture {
 public:
  Texture(Dice& dice, double low, double high)
      : key_(dice.bits()), kind_(dice.below(4)), turn_(unit(dice)) {
    shift_ = {dice.between(0, 100), dice.between(0, 100)};
    scale_ = 1 / dice.between(kind_ == kNoise ? 1.4 : 2.6, kind_ == kNoise ? 2.2 : 4.2);
    const double hue = dice.between(0, 6);
    colours_[0] = colour(hue, dice.between(0.4, 0.9), low);
    colours_[1] = colour(hue + dice.between(0.6, 2.4), dice.between(0.3, 0.8), high);
  }

  // A random direction.
  static Point unit(Dice& dice) {
    for (;;) {
      const Point p{dice.between(-1, 1), dice.between(-1, 1)};
      const double length = std::sqrt(p.x * p.x + p.y * p.y);
      if (length > 0.1 && length <= 1) return {p.x / length, p.y / length};
    }
  }

  Colour at(Point p) const {
    const Point q{scale_ * (turn_.x * p.x - turn_.y * p.y) + shift_.x,
                  scale_ * (turn_.y * p.x + turn_.x * p.y) + shift_.y};
    const double t = pattern(q);
    Colour mixed;
    for (size_t c = 0; c < 3; ++c) mixed[c] = colours_[0][c] * (1 - t) + colours_[1][c] * t;
    return mixed;
  }

 private:
  static constexpr uint64_t kStripes = 0, kChecks = 1, kDots = 2, kNoise = 3;

  // Of this brightness (Rec. 601) where the gamut allows; hue in sixths of a turn.
  static Colour colour(double hue, double saturation, double brightness) {
    Colour rgb;
    for (size_t c = 0; c < 3; ++c) {
      const double at = std::fmod(hue + 6 - 2 * static_cast<double>(c), 6.0);
      const double off = std::min(at, 6 - at);  // from this channel's own hue
      rgb[c] = 1 - saturation * std::clamp(off - 1, 0.0, 1.0);
    }
    const double now = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    for (double& value : rgb) value = std::min(1.0, value * brightness / now);
    return rgb;
  }

  // A random number in [0,1) for each point of a grid.
  double lattice(int64_t x, int64_t y) const {
    uint64_t z = key_ + static_cast<uint64_t>(x) * 0x9E3779B97F4A7C15 +
                 static_cast<uint64_t>(y) * 0xC2B2AE3D27D4EB4F;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

  double pattern(Point p) const {
    const double cell_x = std::floor(p.x), cell_y = std::floor(p.y);
    const double u = p.x - cell_x, v = p.y - cell_y;
    const auto x = static_cast<int64_t>(cell_x), y = static_cast<int64_t>(cell_y);
    switch (kind_) {
      case kStripes:
        return u < 0.5 ? 1 : 0;
      case kChecks:
        return (u < 0.5) == (v < 0.5) ? 1 : 0;
      case kDots:
        return (u - 0.5) * (u - 0.5) + (v - 0.5) * (v - 0.5) < 0.11 ? 1 : 0;
      default: {
        const double a = lattice(x, y), b = lattice(x + 1, y);
        const double c = lattice(x, y + 1), d = lattice(x + 1, y + 1);
        const double s = smooth(u), t = smooth(v);
        const double mixed = (a * (1 - s) + b * s) * (1 - t) + (c * (1 - s) + d * s) * t;
        return std::clamp(1.8 * (mixed - 0.5) + 0.5, 0.0, 1.0);
      }
    }
  }

  uint64_t key_, kind_;
  Point turn_, shift_{};
  double scale_ = 1;
  std::array<Colour, 2> colours_{};
};

}  // namespace

std::span<const std::string_view> demo_classes() {
  return kClasses;
}

Result<Tensor> make_demo_picture(uint64_t seed, uint64_t index) {
  Dice dice(seed, index);
  const size_t shape = index % kClasses.size();
  // Bright on dark or dark on bright.
  const bool bright = dice.below(2) == 0;
  const Texture background(dice, bright ? 0.05 : 0.33, bright ? 0.65 : 0.95);
  const Texture filling(dice, bright ? 0.33 : 0.05, bright ? 0.95 : 0.65);
  const Point turn = Texture::unit(dice);
  const double radius = dice.between(9.5, 13);
  const double room = kDemoSide / 2.0 - 0.9 * radius;
  const Point centre{kDemoSide / 2.0 + dice.between(-room, room),
                     kDemoSide / 2.0 + dice.between(-room, room)};

  TRY(picture, Tensor::make(DType::kU8, {kDemoSide, kDemoSide, 3}));
  const std::span<uint8_t> pixels = picture.mutable_as<uint8_t>();
  for (int64_t i = 0; i < kDemoSide * kDemoSide; ++i) {
    Colour sum{};
    for (int64_t sample = 0; sample < kSamples * kSamples; ++sample) {
      const auto at = [](int64_t whole, int64_t part) {
        return static_cast<double>(whole) + (static_cast<double>(part) + 0.5) / kSamples;
      };
      const Point p{at(i % kDemoSide, sample % kSamples), at(i / kDemoSide, sample / kSamples)};
      const double x = (p.x - centre.x) / radius, y = (p.y - centre.y) / radius;
      const bool inside = is_inside(shape, {turn.x * x - turn.y * y, turn.y * x + turn.x * y});
      const Colour colour = (inside ? filling : background).at(p);
      for (size_t c = 0; c < 3; ++c) sum[c] += colour[c];
    }
    for (size_t c = 0; c < 3; ++c) {
      const double value = 255 * sum[c] / (kSamples * kSamples);
      pixels[static_cast<size_t>(3 * i) + c] = static_cast<uint8_t>(std::lround(value));
    }
  }
  return std::move(picture);
}

Result<> write_demo_pictures(const fs::path& folder, uint64_t seed, uint64_t count) {
  for (const std::string_view name : kClasses) {
    std::error_code code;
    fs::create_directories(folder / name, code);
    if (code) {
      return fail(Kind::kIo, "can't make '{}': {}", printable((folder / name).string(), 400),
                  code.message());
    }
  }
  for (uint64_t i = 0; i < count; ++i) {
    TRY(picture, make_demo_picture(seed, i));
    TRY(png, encode_png(picture.view()));
    TRY_OK(write_file(folder / kClasses[i % kClasses.size()] / fmt::format("{:05}.png", i), png));
  }
  return {};
}

}  // namespace cloister
