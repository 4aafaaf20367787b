// SPDX-License-Identifier: Apache-2.0
// Choosing what to measure.
#include "bench/comparison.h"

#include <algorithm>

namespace weir::bench {

void Suite::keep_only(std::string_view text) {
  const auto mentions = [text](const std::string& name) {
    return name.find(text) != std::string::npos;
  };
  std::erase_if(comparisons_, [&](const Comparison& comparison) {
    return !mentions(comparison.title) && !mentions(comparison.weir);
  });
  std::erase_if(subjects_, [this](const Subject& subject) {
    return std::none_of(comparisons_.begin(), comparisons_.end(), [&](const Comparison& kept) {
      return kept.weir == subject.name || kept.loop == subject.name;
    });
  });
}

}  // namespace weir::bench
