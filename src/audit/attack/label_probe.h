// What class can be read off the feature maps, without rebuilding anything.
#pragma once

#include "audit/attack/attacker.h"

namespace cloister::audit {

// A linear classifier on the maps (flat_maps.h), trained on the attacker's pairs and tried on
// `held_out`. kInvalid without labels.
Result<LabelProbe> probe_labels(const Pairs& train, const Pairs& held_out, uint64_t seed,
                                const ProgressCallback& tick);

}  // namespace cloister::audit
