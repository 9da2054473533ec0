#include "bundle/secret.h"

#include <gtest/gtest.h>

#include <utility>

namespace cloister {
namespace {

TEST(SecretBytes, HoldsAndMoves) {
  SecretBytes secret(as_bytes("password"));
  EXPECT_EQ(secret.text(), "password");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(secret.bytes().data()) % 64, 0U);
  SecretBytes moved = std::move(secret);
  EXPECT_EQ(moved.text(), "password");
  moved = SecretBytes(3);
  EXPECT_EQ(moved.text(), std::string_view("\0\0\0", 3));
  EXPECT_TRUE(SecretBytes(0).bytes().empty());
}

TEST(SecretBytes, Cleanse) {
  std::string text = "password";
  cleanse({reinterpret_cast<std::byte*>(text.data()), text.size()});
  EXPECT_EQ(text, std::string(8, '\0'));
}

}  // namespace
}  // namespace cloister
