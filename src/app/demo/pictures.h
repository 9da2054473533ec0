// Small labelled pictures, drawn instead of collected: what the demonstration's model was trained
// on, and what it is audited with.
#pragma once

#include <span>

#include "base/file.h"
#include "tensor/tensor.h"

namespace cloister {

inline constexpr int64_t kDemoSide = 32;  // pixels

// What can be seen on a picture, in the order of a model's classes.
std::span<const std::string_view> demo_classes();

// u8 [32,32,3] RGB: a shape of class `index` % 8 in a random place, size and turn before a busy
// background, both patterned in random colours. The same pixels on every machine; other seeds and
// indices give other pictures. Thread-safe.
Result<Tensor> make_demo_picture(uint64_t seed, uint64_t index);

// Pictures 0 to `count` - 1 as FOLDER/<class>/<index>.png, in folders that are made. kIo.
Result<> write_demo_pictures(const fs::path& folder, uint64_t seed, uint64_t count);

}  // namespace cloister
