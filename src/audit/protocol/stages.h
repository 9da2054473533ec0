// Pieces of work of unequal length, told as one.
#pragma once

#include <utility>

#include "audit/attack/feature_store.h"

namespace cloister::audit {

class Stages {
 public:
  // Shares of the whole, in any unit, in the order of the work.
  Stages(ProgressCallback tick, std::vector<std::pair<std::string, double>> lengths)
      : tick_(std::move(tick)), lengths_(std::move(lengths)) {
    for (const auto& [_, length] : lengths_) total_ += length;
  }

  // What the stage of that name reports to.
  ProgressCallback stage(const std::string& name) const {
    double before = 0, length = 0;
    for (const auto& [stage, share] : lengths_) {
      if (stage == name) {
        length = share;
        break;
      }
      before += share;
    }
    return [tick = tick_, name, before, length, total = total_](double share,
                                                                const std::string& text) {
      return tick((before + share * length) / total, name + ": " + text);
    };
  }

 private:
  ProgressCallback tick_;
  std::vector<std::pair<std::string, double>> lengths_;
  double total_ = 0;
};

}  // namespace cloister::audit
