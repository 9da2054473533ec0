#include "net/http.h"

#include "tests/support/net.h"

using namespace cloister;
using namespace cloister::net;

TEST(Fields, AreFoundWithoutCase) {
  const Fields fields = {{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(*fields.find("content-type"), "a");
  EXPECT_EQ(*fields.find("x"), "1");
  EXPECT_EQ(fields.count("X"), 2U);
  EXPECT_EQ(fields.find("Content-Typ"), nullptr);
}

TEST(BodyOf, IsTheOnePieceOrNothing) {
  EXPECT_TRUE(body_of({.status = 204, .fields = {}, .body = {}}).bytes.empty());
  SharedBytes body = body_of(text_response(200, "text/plain", "all of it"));
  EXPECT_EQ(as_text(body.bytes), "all of it");  // and outlives the response
}

TEST(TextResponse, OwnsItsText) {
  const Response response = text_response(404, "text/plain", std::string(1000, 'a'));
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(*response.fields.find("Content-Type"), "text/plain");
  EXPECT_EQ(test::text_of(response), std::string(1000, 'a'));
}
