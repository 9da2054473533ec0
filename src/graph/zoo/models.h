// The zoo's models: each is defined in the file of its name.
#pragma once

#include "graph/zoo/zoo.h"

namespace cloister::zoo {

extern const ZooEntry kVgg16;
extern const ZooEntry kResnet50;
extern const ZooEntry kEfficientnetB0;
extern const ZooEntry kMobilenetV2;
extern const ZooEntry kTinyTransformer;
extern const ZooEntry kMlp;
extern const ZooEntry kCnn1d;
extern const ZooEntry kSmallCnn;

}  // namespace cloister::zoo
