// Fields that depend on others, groups and rows: written, read, and refused where they are wrong.
#include "record/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record/reader.h"
#include "record/writer.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kSchema = "cloister/shapes/1";

enum class Form { kDot, kCircle, kBox };
constexpr Word<Form> kForms[] = {
    {Form::kDot, "dot"}, {Form::kCircle, "circle"}, {Form::kBox, "box"}};

// A variant: which of the members there are depends on the form.
struct Figure {
  Form form = Form::kDot;
  double radius = 0;
  uint64_t width = 0, height = 0;
  std::string title;
  uint64_t left = 0, top = 0;  // where it is; 0: nowhere
  std::vector<double> weights = {1};
};

template <typename Io>
void fields(Io& io, Of<Io, Figure> r) {
  io.schema("schema", kSchema);
  io.group("figure", [&](auto& figure) {
    figure.word("form", r.form, kForms);
    if (r.form == Form::kCircle) figure.real("radius", r.radius, 0, 10);
    if (r.form == Form::kBox) {
      figure.integer("width", r.width, 1, 9);
      figure.integer("height", r.height, 1, 9);
    }
  });
  io.text_or_empty("title", r.title, 10);
  io.group_or_null("place", r.left != 0, [&](auto& place) {
    place.integer("left", r.left, 1, 9);
    place.integer("top", r.top, 1, 9);
  });
  io.reals("weights", r.weights, 2, 0, 1);
}

struct Point {
  std::string name;
  uint64_t x = 0;
};

template <typename Io>
void fields(Io& io, Of<Io, Point> r) {
  io.text("name", r.name, 10);
  io.integer("x", r.x, 0, 9);
}

struct Points {
  std::vector<Point> points;
};

template <typename Io>
void fields(Io& io, Of<Io, Points> r) {
  io.schema("schema", kSchema);
  io.rows("points", r.points, 2);
}

std::string json(const std::string& members) {
  return R"({"schema": "cloister/shapes/1", )" + members + "}";
}

Result<Figure> read(const std::string& members) {
  return read_json_record<Figure>(json(members), kSchema, 1000, RecordReader::Missing::kDefaults);
}

TEST(Fields, AVariantIsReadAsItWasWritten) {
  const Figure circle{.form = Form::kCircle, .radius = 2.5, .title = "", .weights = {}};
  const Figure box{.form = Form::kBox, .width = 3, .height = 4, .title = "b", .left = 1, .top = 2};
  for (const Figure& figure : {circle, box, Figure()}) {
    const std::string text = write_json_record(figure);
    const auto again = read_json_record<Figure>(text, kSchema, 1000);
    ASSERT_TRUE(again) << again.error().message << text;
    EXPECT_EQ(write_json_record(*again), text);
    EXPECT_EQ(*write_indented_record(*again), *write_indented_record(figure));
  }
  EXPECT_EQ(*write_indented_record(circle), R"({
  "schema": "cloister/shapes/1",
  "figure": {
    "form": "circle",
    "radius": 2.5
  },
  "title": "",
  "place": null,
  "weights": []
}
)");
}

TEST(Fields, OnlyTheVariantsOwnFieldsAreTaken) {
  const std::pair<const char*, const char*> table[] = {
      {R"("figure": {"form": "ring"})", "figure.form: 'ring', want dot, circle, box"},
      {R"("figure": {"form": 7})", "figure.form: 7, want a string"},
      {R"("figure": {})", "figure: no key 'form'"},
      {R"("figure": null)", "figure: null, want an object"},
      {R"("figure": {"form": "circle"})", "figure: no key 'radius'"},
      {R"("figure": {"form": "dot", "radius": 1})", "figure: unknown key 'radius', want form"},
      {R"("figure": {"form": "circle", "radius": 11})", "figure.radius: 11, want a number from 0"},
      {R"("place": {"left": 1})", "place: no key 'top'"},
      {R"("place": 3)", "place: 3, want an object"},
      {R"("title": "more than ten")", "title: 13 bytes, want 0 to 10"},
      {R"("weights": [0, 0, 0])", "weights: 3 items, want at most 2"},
      {R"("weights": [0, 2])", "weights[1]: 2, want a number from 0 to 1"},
      {R"("figures": 1)", "unknown key 'figures', want schema, figure"},
  };
  for (const auto& [members, want] : table) {
    const auto refused = read(members);
    ASSERT_FALSE(refused) << members;
    EXPECT_THAT(refused.error().message, HasSubstr(want));
  }
  // After a group, other keys may be left out again.
  const auto read_one = read(R"("figure": {"form": "circle", "radius": 1})");
  ASSERT_TRUE(read_one) << read_one.error().message;
  EXPECT_THAT(read_one->weights, ElementsAre(1));
}

TEST(Fields, RowsHaveNoKeys) {
  const auto read = [](const std::string& points) {
    return read_json_record<Points>(json("\"points\": " + points), kSchema, 1000);
  };
  const auto good = read(R"([["a", 1], ["b", 2]])");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->points[1].name, "b");
  EXPECT_EQ(good->points[1].x, 2U);
  const std::pair<const char*, const char*> table[] = {
      {R"([["a", 1], ["b"]])", "points[1]: no item for 'x'"},
      {R"([["a", 1, 2]])", "points[0]: 3 items, want 2"},
      {R"([["a", "1"]])", "points[0][1]: \"1\", want a whole number"},
      {R"([{"name": "a", "x": 1}])", "points[0]: an object of 2, want an array"},
      {R"([[], [], []])", "points: 3 items, want at most 2"},
  };
  for (const auto& [points, want] : table) {
    const auto refused = read(points);
    ASSERT_FALSE(refused) << points;
    EXPECT_THAT(refused.error().message, HasSubstr(want));
  }
}

TEST(Fields, IndentedTextIsUtf8) {
  EXPECT_EQ(write_indented_record(Figure{.title = "\xff"}).error().kind, Kind::kUnsupported);
}

}  // namespace
}  // namespace cloister
