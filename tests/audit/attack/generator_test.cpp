#include "audit/attack/generator.h"

#include <gtest/gtest.h>

#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

Maps maps_of(const std::vector<Shape>& shapes, int64_t n) {
  Maps maps;
  for (Shape shape : shapes) {
    shape.insert(shape.begin(), n);
    maps.push_back(at::randn(shape));
  }
  return maps;
}

// Every kind of map that a cut may carry, to pictures of even and odd sizes.
TEST(Generator, TakesMapsOfAnyShape) {
  const std::vector<std::vector<Shape>> cases = {{{8, 32, 32}},  // as large as the picture
                                                 {{8, 16, 16}},
                                                 {{8, 3, 5}, {4, 9, 9}},  // two, of odd sizes
                                                 {{64, 1, 1}},            // pooled
                                                 {{64}},                  // a vector
                                                 {{17, 24}},              // tokens
                                                 {{300, 100}},            // many of them
                                                 {{}},                    // one number
                                                 {{8, 16, 16}, {8, 16, 16}, {32}}};
  for (const Shape& item : {Shape{3, 32, 32}, {1, 28, 28}, {3, 33, 47}}) {
    for (const auto& shapes : cases) {
      const InputSpace space{item, {}, {}};
      const auto generator = make_generator(space, shapes, {.width = 16, .blocks = 1});
      const auto judge = make_discriminator(space, shapes, {.width = 16, .blocks = 1});
      const Maps maps = maps_of(shapes, 2);
      const at::Tensor rebuilt = from_raw(space, generator->forward(maps));
      Shape want = item;
      want.insert(want.begin(), 2);
      ASSERT_EQ(rebuilt.sizes().vec(), want);
      const at::Tensor logits = judge->forward(rebuilt, maps);
      EXPECT_EQ(logits.size(0), 2);
      (logits.mean() + rebuilt.mean()).backward();
      for (const auto& weight : generator->named_parameters()) {
        EXPECT_TRUE(weight.value().grad().defined()) << weight.key();
      }
    }
  }
}

TEST(Generator, TakesMapsToRows) {
  const std::vector<Shape> shapes = {{16}, {4, 6}};
  const InputSpace space{
      {3},
      {},
      {{.name = "n", .width = 1}, {.name = "c", .categorical = true, .first = 1, .width = 2}}};
  const auto generator = make_generator(space, shapes, {.width = 16, .blocks = 1});
  const Maps maps = maps_of(shapes, 5);
  const at::Tensor rows = from_raw(space, generator->forward(maps));
  EXPECT_EQ(rows.sizes().vec(), (Shape{5, 3}));
  EXPECT_TRUE(at::allclose(rows.slice(1, 1).sum(1), at::ones({5})));
  EXPECT_EQ(make_discriminator(space, shapes, {})->forward(rows, maps).sizes().vec(),
            (Shape{5, 1}));
}

}  // namespace
}  // namespace cloister::audit
